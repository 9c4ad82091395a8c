// What is open: the main sink and the streams, and since when the pipes are read.
#pragma once
#include "order.h"
#include "stream.h"

// By whom what is read is waited for: to be said before anything is opened.
void open_watch(int poller);
// Replaces the main sink.
void open_sink(const struct order *order, struct answer *answer);
// Opens a stream, or goes on with one as the order says; it takes the order's descriptor. False only if
// nothing can go on.
bool open_stream(struct order *order, struct answer *answer);
// Whose lines they are from now on.
void open_label(struct stream *stream, const struct order *order);
// Opens every file anew by its path.
void open_again(struct answer *answer);
// Forgets a stream, if there is one.
void open_drop(int slot);
// Every stream is announced: what a predecessor had begun is finished, and the pipes are read from now on.
// False if nothing can go on.
bool open_begin(void);
bool open_begun(void);
