/* Licensed under the Apache License, Version 2.0; see LICENSE. */

/*
 * Where a query's request arrives: the address, the port and the Host field.
 */

#include <string.h>

#include "httpd.h"
#include "ap_listen.h"
#include "http_vhost.h"

#include "apr_strings.h"
#include "apr_uri.h"

#include "explain/arrival.h"

static const char *arrival_ip(apr_pool_t *p, apr_sockaddr_t *address)
{
    char *ip = NULL;

    if (address && !apr_sockaddr_is_wildcard(address)) {
        apr_sockaddr_ip_get(&ip, address);
    }
    return ip ? apr_pstrdup(p, ip) : NULL;
}

/* The address of the virtual host that a name belongs to, as DNS would give it
 * to the client; NULL if no virtual host has both. */
static const char *arrival_ip_by_name(apr_pool_t *p, server_rec *s,
                                      const char *host, apr_port_t port)
{
    request_rec r = { 0 };
    const server_addr_rec *a;

    for (; s; s = s->next) {
        r.server = s;
        /* with its own port, as only the name counts here; the port of the
         * address counts below */
        if (!ap_matches_request_vhost(&r, host, s->port)) {
            continue;
        }
        for (a = s->addrs; a; a = a->next) {
            const char *ip = arrival_ip(p, a->host_addr);

            if (ip && (!a->host_port || a->host_port == port)) {
                return ip;
            }
        }
    }
    return NULL;
}

static ap_listen_rec *arrival_listener(apr_port_t port)
{
    ap_listen_rec *l;

    for (l = ap_listeners; l && port; l = l->next) {
        if (l->bind_addr->port == port) {
            return l;
        }
    }
    return port ? NULL : ap_listeners;
}

apr_sockaddr_t *expect_arrival_address(apr_pool_t *p, server_rec *s,
                                       const expect_query_t *q)
{
    apr_port_t port = q->port ? q->port
                              : q->scheme ? apr_uri_port_of_scheme(q->scheme)
                                          : 0;
    ap_listen_rec *l = arrival_listener(port);
    const char *ip = NULL;
    apr_sockaddr_t *address = NULL;

    port = port ? port : l ? l->bind_addr->port : DEFAULT_HTTP_PORT;
    if (q->host) {
        ip = ap_strchr_c(q->host, ':') || !q->host[strspn(q->host,
                                                          "0123456789.")]
                 ? q->host : arrival_ip_by_name(p, s, q->host, port);
    }
    if (!ip && l) {
        ip = arrival_ip(p, l->bind_addr);
    }
    if (apr_sockaddr_info_get(&address, ip ? ip : "127.0.0.1", APR_UNSPEC,
                              port, 0, p) != APR_SUCCESS) {
        apr_sockaddr_info_get(&address, "127.0.0.1", APR_INET, port, 0, p);
    }
    return address;
}

int expect_arrival_listens(const conn_rec *c)
{
    return arrival_listener(c->local_addr->port) != NULL;
}

const char *expect_arrival_host(apr_pool_t *p, const server_rec *s,
                                const expect_query_t *q)
{
    const char *host = q->host ? q->host
                               : s->server_hostname ? s->server_hostname
                                                    : "localhost";

    if (ap_strchr_c(host, ':')) {
        host = apr_pstrcat(p, "[", host, "]", NULL);
    }
    return q->port ? apr_psprintf(p, "%s:%u", host, (unsigned)q->port) : host;
}
