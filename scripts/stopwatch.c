/* Reads a command a line, runs it with sh -c, writes its status and the milliseconds it took. At
 * the end of the input waits, at most for a minute, for what the commands have left behind, and
 * writes the CPU seconds and the largest resident set in MiB of all of them. Nothing outlives it:
 * on a signal, or when its parent is gone, it kills what is left and ends. */
#include <fcntl.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/types.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum { LEFT_BEHIND_SECONDS = 60 };

static double now(void)
{
    struct timespec time;
    clock_gettime(CLOCK_MONOTONIC, &time);
    return (double)time.tv_sec * 1e3 + (double)time.tv_nsec / 1e6;
}

static double seconds(struct timeval time)
{
    return (double)time.tv_sec + (double)time.tv_usec / 1e6;
}

/* ---- what is left behind: orphans become children of this process, since it is their subreaper */

/* Kills those of the children whose numbers are in the text; for a signal handler. */
static void kill_listed(const char *text, ssize_t length)
{
    pid_t pid = 0;
    for (ssize_t i = 0; i < length; i++) {
        if (text[i] != ' ') {
            pid = pid * 10 + (text[i] - '0');
        } else {
            kill(pid, SIGKILL);
            pid = 0;
        }
    }
}

/* Until there are none: a child's children come up when it is gone. */
static void kill_children(void)
{
    do {
        char list[4096];
        int file = open("/proc/thread-self/children", O_RDONLY | O_CLOEXEC);
        if (file < 0)
            return;
        kill_listed(list, read(file, list, sizeof list));
        close(file);
    } while (waitpid(-1, NULL, 0) > 0);
}

static void on_alarm(int number)
{
    (void)number;
    kill_children();
}

static void on_end(int number)
{
    kill_children();
    _exit(128 + number);
}

static void handle(int number, void (*handler)(int))
{
    struct sigaction action = {.sa_handler = handler};
    sigfillset(&action.sa_mask);
    sigaction(number, &action, NULL);
}

/* ---- the commands */

static void run(char *command)
{
    char *argv[] = {"sh", "-c", command, NULL};
    int status = -1;
    pid_t pid;
    double start = now();
    if (posix_spawn(&pid, "/bin/sh", NULL, NULL, argv, environ) == 0)
        waitpid(pid, &status, 0);
    printf("%d %.3f\n", status, now() - start);
    fflush(stdout);
}

int main(void)
{
    static const int ends[] = {SIGINT, SIGTERM, SIGHUP};
    struct rusage used;
    char *line = NULL;
    size_t size = 0;
    prctl(PR_SET_CHILD_SUBREAPER, 1);
    for (size_t i = 0; i < sizeof ends / sizeof *ends; i++)
        handle(ends[i], on_end);
    handle(SIGALRM, on_alarm);
    prctl(PR_SET_PDEATHSIG, SIGTERM);
    for (ssize_t length; (length = getline(&line, &size, stdin)) > 0;) {
        line[length - 1] = '\0';
        run(line);
    }
    free(line);
    alarm(LEFT_BEHIND_SECONDS);
    while (waitpid(-1, NULL, 0) > 0)
        ;
    getrusage(RUSAGE_CHILDREN, &used);
    printf("%.3f %.1f\n", seconds(used.ru_utime) + seconds(used.ru_stime),
           (double)used.ru_maxrss / 1024);
    return 0;
}
