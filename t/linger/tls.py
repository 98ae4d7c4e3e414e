# Clients over TLS that stay when they have been refused: tls.py PORT HOST DOES,
# which prints the status, how it ended, seconds since it began, bytes sent
# behind the answer. DOES: silent, trickle, flood.

import select
import socket
import ssl
import sys
import time

port, host, does = int(sys.argv[1]), sys.argv[2], sys.argv[3]
context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
context.check_hostname = False
context.verify_mode = ssl.CERT_NONE

began = time.monotonic()
raw = socket.create_connection(('127.0.0.1', port), 10)
tls = context.wrap_socket(raw, server_hostname=host)
tls.sendall(('PUT /witness/x HTTP/1.1\r\nHost: %s\r\n'
             'Content-Length: 1099511627776\r\n\r\n' % host).encode())
got = b''
while True:
    piece = tls.recv(65536)         # empty at close_notify, else an exception
    if not piece:
        break
    got += piece

sent, how, pause = 0, 'open', 0.1 if does == 'trickle' else 0.02
try:
    while time.monotonic() - began < 20:
        error = tls.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR)
        if error:
            how = 'reset'
            break
        if does == 'flood':
            select.select([], [tls], [], 1)
            sent += tls.send(b'x' * 16384)
        else:
            if does == 'trickle':
                sent += tls.send(b'x')
            time.sleep(pause)
except (ssl.SSLError, OSError):
    how = 'reset'
print(got[9:12].decode(), how, time.monotonic() - began, sent,
      '</html>' in got.decode())
