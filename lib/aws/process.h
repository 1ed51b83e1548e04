/* aws/process.h - credentials that a program prints: `credential_process`, AWS SDKs and
 * Tools Reference Guide, "Process credential provider". Only for files of this room. */
#ifndef AWS_PROCESS_H
#define AWS_PROCESS_H

#include <stdint.h>

struct error;
struct aws_grant;

/* Runs the command by /bin/sh, with our standard error, and fills the grant, which is empty before,
 * with what it prints. It and what it has started are killed after `timeout` milliseconds.
 * ERROR_UNREACHABLE when it fails or takes too long, which may pass; ERROR_USAGE when it can't be
 * run or prints something else; ERROR_SYSTEM, ERROR_INTERRUPTED. No message holds the command or
 * its output. */
int aws_process_run(const char *command, uint64_t timeout, struct aws_grant *grant,
                    struct error *error);

#endif
