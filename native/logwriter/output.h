// Outputs: descriptors such as a terminal or a pipe, which may stop taking what they are given.
#pragma once
#include "commit.h"

struct output {
  int fd; // our own description of descriptor index + 1, or the system log; -1: never used
  bool on;
};

extern struct output outputs[OUTPUTS];

// By whom they are waited for, and what that one calls them: to be said before they are opened.
void output_watch(int poller, uint64_t event);
// Opens what is to be used from now on; a bit for each output. False, with errno, if the system log at
// `syslog` cannot be opened; then nothing has changed.
bool output_configure(unsigned on, const char *syslog);
// Connects to the system log anew, if it is used: it may listen only now. Failing, what there was goes on.
void output_connect_syslog(void);
// Adds whole lines to its buffer for the current batch; `notice` goes before them if it tells of lost lines.
void output_append(int index, const char *bytes, size_t length, const char *notice);
// Writes what is waiting, as far as that does not block; true if nothing waits any more.
bool output_flush(int index);
