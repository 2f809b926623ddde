/* events.h: what events.c and events_told.c share. */
#pragma once

#include "families.h"

bool events_setup(void); /* events.c: a few files and folders; signals are blocked */
bool would_wait(int fd, int events);
bool show_inotify(const char *data, long n); /* events_told.c */
extern const struct op events_ops[], events_told_ops[];
