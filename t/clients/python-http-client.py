# Python's http.client. A field Expect set by hand is sent, and nothing waits.

import http.client
import os
import sys
from urllib.parse import urlsplit

url = urlsplit(os.environ['URL'])
headers = {}
if os.environ['ASK'] == 'yes':
    headers['Expect'] = '100-continue'
connection = http.client.HTTPConnection(url.netloc)
try:
    with open(os.environ['FILE'], 'rb') as upload:
        connection.request('PUT', url.path, upload, headers)
    response = connection.getresponse()
except Exception as error:
    sys.exit('%s: %s' % (type(error).__name__, error))
print('STATUS', response.status)
print(response.status, response.reason)
