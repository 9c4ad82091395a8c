// The system log: what sockets and the kernel's log have brought, on its way to the files that rules name.
#pragma once
#include "route.h"

struct syslog_options {
  char host[MAX_HOST + 1]; // stands before each message
  uint32_t burst, seconds; // so much each sender may log, in so many seconds; 0: as much as it likes
  uint32_t mark;           // after so many seconds of silence a mark is logged; 0: never
};

void syslog_configure(const struct syslog_options *options);
// Makes a batch of a source's, split into lines if it is the kernel's, lines as they are logged.
void syslog_compose(struct lines *batch);
// Writes these to where they belong; what nobody has said where to write goes where the stream's lines do.
void syslog_write(struct stream *source, const struct lines *batch);
// Says what is due to be said by the log itself. In how many milliseconds something will be; -1: nothing.
int syslog_tick(int64_t now);
// Before a source, or everything, comes to its end: says what would be due later.
void syslog_last_words(void);
// Between two batches: rotates what has grown too large of the files that messages go to.
void syslog_limit(void);
