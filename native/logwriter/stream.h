// Streams: one for each pipe, and the way of its lines to where they belong.
#pragma once
#include "file.h"
#include "text.h"

enum { MAX_PROGRAM = 255 };
enum { UNKNOWN = -1 }; // what the daemon knows of an error: no errno

// What the daemon knows of a destination: its error, how many lines it was told are lost; and how many are.
struct told {
  int error;
  uint64_t counted, lines;
};

// What a stream's lines are read from; NOTHING: what others have written is passed on to it.
enum source { PIPE, NOTHING, SOCKET, KERNEL, SOURCES };

struct stream {
  enum source source;
  int pipe; // whatever the source is; -1: there is none
  bool raw;
  struct user user;
  struct file own;    // own.path NULL: its lines go to the main sink
  struct file recent; // recent.path NULL: it has no recent history
  char program[MAX_PROGRAM + 1];
  int64_t pid;      // 0: not known yet
  struct told told; // of its own file
};

// Where the lines of streams without a file go, besides the outputs.
struct main_sink {
  struct file file;
  bool json;
  struct told told, output_told[OUTPUTS];
};

extern struct main_sink main_sink;
extern struct stream *streams[MAX_STREAMS]; // by slot; NULL: none

// Ends what the predecessor had begun, once all that exists is open again.
bool stream_begin(void);
// Lines of one batch on their way; `from` of each is an offset in `text`.
struct lines {
  const unsigned char *text;
  const struct line *line;
  size_t count;
  struct timespec now;
};

// Appends lines to the stream's own file or, where it has none, to the main sink.
void stream_write(struct stream *stream, const char *name, const struct lines *lines);
// Keeps the last of them where a reader finds them when service, daemon and writer are gone.
void stream_remember(struct stream *stream, const struct lines *lines);
// Writes a batch that another part of the writer has composed.
void stream_deliver(uint32_t slot);
// Takes one batch: its length, 0 if the pipe is empty, -1 with errno if nothing can go on.
int stream_turn(uint32_t slot);
// Takes all that is in the pipe now; with `partial` also a line that has no end yet.
bool stream_drain(uint32_t slot, bool partial);
void stream_free(struct stream *stream);
