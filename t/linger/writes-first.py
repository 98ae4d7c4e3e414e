# Python's http.client, which writes all before it reads: writes-first.py PORT
# MEGABYTES [tls] prints the status. It closes its connection when httpd has: if
# it left the end of TLS unread, the kernel would reset the connection, and
# forget what httpd has not read yet.

import http.client
import ssl
import sys

port, size = int(sys.argv[1]), int(sys.argv[2]) * 1024 * 1024
if len(sys.argv) > 3:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    c = http.client.HTTPSConnection('127.0.0.1', port, timeout=30,
                                    context=context)
else:
    c = http.client.HTTPConnection('127.0.0.1', port, timeout=30)
c.request('PUT', '/witness/x', b'x' * size)
c.close = lambda: None      # which getresponse() would call
r = c.getresponse()
print(r.status, b'</html>' in r.read())
while c.sock.recv(65536):
    pass
