// Lines: where they end, and how they look at their destination.
#pragma once
#include "commit.h"
#include <time.h>

struct line {
  uint32_t from, length;
  bool continued; // a further piece of a line that was too long
};

enum style { RAW, STAMPED, TEXT, JSON, RECENT };

// All that is the same for the lines of one batch.
struct format {
  enum style style;
  size_t length;
  char prefix[2048];
};

enum { MAX_FORMATTED = 6 * (MAX_LINE + 4) + 2048 + 32, MAX_LINES = BATCH + 4 };

// Splits text[from..to), of which the first rest->length bytes are known to hold no end; *rest becomes what
// follows the last line. With whole what is left becomes a line too. Returns how many lines there are; *from
// is where the rest is.
size_t text_split(const unsigned char *text, uint32_t *from, uint32_t to, bool raw, bool whole,
                  struct rest *rest, struct line *lines);
void text_format(struct format *format, enum style style, const struct timespec *now, const char *name,
                 const char *program, int64_t pid);
// Writes one line, at most MAX_FORMATTED bytes; returns its end.
char *text_put(char *at, const struct format *format, const unsigned char *line, size_t length,
               bool continued);
