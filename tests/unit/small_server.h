/* small_server.h - an HTTP server in a child, that answers as a test tells it to.
 *
 *     struct server *server = server_start();
 *     server_answer(server, "GET /keys", "Authorization: token", 200, "{...}");
 *     ... server->origin, server->requests, server->last ...
 *     server_stop(server);
 *
 * What is not told is 404, and 401 when the header is not there. Server and test share the struct;
 * a test changes it between requests.
 */
#ifndef SMALL_SERVER_H
#define SMALL_SERVER_H

#include <arpa/inet.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

enum {
    SERVER_ROUTES = 8,
    SERVER_TEXT = 16 * 1024,
    SERVER_SILENT = 0,   /* instead of a status: the request is taken and never answered */
    SERVER_ENDLESS = -1, /* 200, and the body again and again, up to 1 MiB */
};

struct server_route {
    char request[256]; /* "GET /path" */
    char header[256];  /* that it must have; "" for none */
    int status;
    char body[SERVER_TEXT];
};

struct server {
    char origin[64]; /* "http://127.0.0.1:port" */
    pid_t child;
    int requests;
    char last[SERVER_TEXT]; /* request, with its body */
    int routes;
    struct server_route route[SERVER_ROUTES];
};

/* What came before for the same request is forgotten. */
static inline void server_answer(struct server *server, const char *request, const char *header,
                                 int status, const char *body)
{
    struct server_route *route = server->route;
    while (route < server->route + server->routes && strcmp(route->request, request) != 0)
        route++;
    if (route == server->route + SERVER_ROUTES)
        abort();
    if (route == server->route + server->routes)
        server->routes++;
    snprintf(route->request, sizeof route->request, "%s", request);
    snprintf(route->header, sizeof route->header, "%s", header);
    snprintf(route->body, sizeof route->body, "%s", body);
    route->status = status;
}

/* Forgets all answers and requests. */
static inline void server_reset(struct server *server)
{
    server->routes = server->requests = 0;
    server->last[0] = '\0';
}

/* Until the empty line, and the body behind it that Content-Length announces. */
static inline void server_read(int connection, char *text)
{
    size_t length = 0, wanted = SERVER_TEXT - 1;
    for (ssize_t n = 1; n > 0 && length < wanted;) {
        n = read(connection, text + length, SERVER_TEXT - 1 - length);
        length += n > 0 ? (size_t)n : 0;
        text[length] = '\0';
        char *end = strstr(text, "\r\n\r\n"), *size = strcasestr(text, "\r\nContent-Length:");
        if (end)
            wanted =
                (size_t)(end + 4 - text) + (size && size < end ? strtoul(size + 17, 0, 10) : 0);
    }
}

static inline void server_write(int connection, int status, const char *body)
{
    size_t times = status == SERVER_ENDLESS ? (1024 * 1024) / (strlen(body) + 1) + 1 : 1;
    dprintf(connection, "HTTP/1.1 %d Status\r\nContent-Length: %zu\r\nConnection: close\r\n\r\n",
            status == SERVER_ENDLESS ? 200 : status, times * strlen(body));
    while (times-- && write(connection, body, strlen(body)) > 0)
        ;
}

static inline bool server_serve(struct server *server, int connection)
{
    char line[300];
    server_read(connection, server->last);
    server->requests++;
    for (int i = 0; i < server->routes; i++) {
        struct server_route *route = &server->route[i];
        snprintf(line, sizeof line, "%s HTTP/1.1\r\n", route->request);
        if (strncmp(server->last, line, strlen(line)) != 0)
            continue;
        snprintf(line, sizeof line, "\r\n%s\r\n", route->header);
        if (*route->header && !strcasestr(server->last, line))
            server_write(connection, 401, "unauthorized");
        else if (route->status != SERVER_SILENT)
            server_write(connection, route->status, route->body);
        return route->status != SERVER_SILENT;
    }
    server_write(connection, 404, "not found");
    return true;
}

static inline struct server *server_start_at(const char *host, uint16_t port)
{
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons(port)};
    socklen_t size = sizeof address;
    struct server *server =
        mmap(NULL, sizeof *server, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    int listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    address.sin_addr.s_addr = inet_addr(host);
    if (server == MAP_FAILED || bind(listener, (struct sockaddr *)&address, size) ||
        listen(listener, 16) || getsockname(listener, (struct sockaddr *)&address, &size))
        abort();
    snprintf(server->origin, sizeof server->origin, "http://%s:%d", host, ntohs(address.sin_port));
    pid_t parent = getpid(), child = fork();
    if (child == 0) {
        prctl(PR_SET_PDEATHSIG, SIGKILL);
        if (getppid() != parent)
            _exit(1);
        signal(SIGPIPE, SIG_IGN);
        for (;;) {
            int connection = accept(listener, NULL, NULL);
            if (server_serve(server, connection))
                close(connection); /* else it stays, silent, as long as the server */
        }
    }
    server->child = child;
    close(listener);
    return server;
}

/* On any free port. */
static inline struct server *server_start(void)
{
    return server_start_at("127.0.0.1", 0);
}

static inline void server_stop(struct server *server)
{
    kill(server->child, SIGKILL);
    waitpid(server->child, NULL, 0);
    munmap(server, sizeof *server);
}

#endif
