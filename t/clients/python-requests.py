# Python requests.

import os
import sys

import requests

headers = {}
if os.environ['ASK'] == 'yes':
    headers['Expect'] = '100-continue'
try:
    with open(os.environ['FILE'], 'rb') as upload:
        response = requests.put(os.environ['URL'], data=upload,
                                headers=headers)
except Exception as error:
    sys.exit('%s: %s' % (type(error).__name__, error))
print('STATUS', response.status_code)
print(response.status_code, response.reason)
