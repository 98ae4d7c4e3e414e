# For mod_wsgi and uwsgi: /now answers at once, /begins begins its answer before
# it reads, /some reads a part, anything else reads all.


def application(environ, start_response):
    how = (environ.get('SCRIPT_NAME', '') + environ['PATH_INFO']).split('/')[-1]
    content = environ['wsgi.input']
    write = start_response('200 OK', [('Content-Type', 'text/plain')])
    if how == 'now':
        return [b'now\n']
    if how == 'some':
        return [b'read=%d\n' % len(content.read(1000))]
    if how == 'begins':
        write(b'begun\n')
    read = 0
    while True:
        data = content.read(8192)
        if not data:
            break
        read += len(data)
    return [b'read=%d\n' % read]
