/* rsync/ssh.h - how ssh(1) is called, by rsync and by itself: it never asks anything, gives up in
 * time, and shares its connection with the next command where that is wanted. */
#ifndef RSYNC_SSH_H
#define RSYNC_SSH_H

#include "rsync/rsync.h"

/* Finds the private directory for shared connections and sets rsync->control. Never fails: then
 * each command makes a connection of its own. */
void ssh_find_control(struct rsync_storage *rsync);

/* Appends the program and its options, all but the host. */
void ssh_add(const struct rsync_storage *rsync, struct arguments *arguments);

#endif
