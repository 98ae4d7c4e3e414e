# A client that shows its certificate when it is asked for it after the head of
# its request: by renegotiation (TLS 1.2) or authentication after the handshake
# (TLS 1.3), which openssl s_client does not do.
#
#     python3 verified.py PORT TLSv1_2|TLSv1_3 CERTIFICATE <request
#
# If the request has an Expect field, the content is held back until something
# comes. Prints all that came until the server ended the connection.

import socket
import ssl
import sys

port, version, certificate = sys.argv[1:]
request = sys.stdin.buffer.read()
head, content = request.split(b"\r\n\r\n", 1)
asks = b"\nExpect:" in head

context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
context.check_hostname = False
context.verify_mode = ssl.CERT_NONE
context.minimum_version = ssl.TLSVersion[version]
context.maximum_version = ssl.TLSVersion[version]
context.post_handshake_auth = True
context.load_cert_chain(certificate)

plain = socket.create_connection(("127.0.0.1", int(port)), timeout=10)
tls = context.wrap_socket(plain, server_hostname="localhost")
tls.sendall(head + b"\r\n\r\n")
came = b""
try:
    if asks:
        while b"\r\n\r\n" not in came:
            piece = tls.recv(65536)
            if not piece:
                break
            came += piece
    if not asks or came.startswith(b"HTTP/1.1 100 "):
        tls.sendall(content)
    while True:
        piece = tls.recv(65536)
        if not piece:
            break
        came += piece
except (ConnectionError, ssl.SSLError) as error:
    print("broken off: %s" % error, file=sys.stderr)
sys.stdout.buffer.write(came)
