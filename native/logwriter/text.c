// Lines: where they end, and how they look at their destination. Pure functions.
#include "text.h"
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

static const unsigned char *find(const unsigned char *from, const unsigned char *end, int byte) {
  const unsigned char *at = memchr(from, byte, (size_t)(end - from));
  return at ? at : end;
}

size_t text_split(const unsigned char *text, uint32_t *start, uint32_t to, bool raw, bool whole,
                  struct rest *rest, struct line *lines) {
  const unsigned char *from = text + *start, *end = text + to, *scan = from + rest->length;
  size_t count = 0;
  if (scan < end && (rest->flags & AFTER_CR)) {
    rest->flags &= ~(uint32_t)AFTER_CR;
    if (*scan == '\n')
      from = ++scan; // the other half of a CR LF; nothing was carried over
  }
  const unsigned char *lf = find(scan, end, '\n'), *cr = raw ? end : find(scan, end, '\r');
  for (;;) {
    const unsigned char *stop = lf < cr ? lf : cr;
    bool ended = stop<end, cut = stop - from> MAX_LINE;
    if (!cut && !ended && !(whole && from < end))
      break;
    if (cut) {
      stop = from + MAX_LINE;
      for (int back = 0; back < 3 && (*stop & 0xC0) == 0x80; back++)
        stop--;
    }
    lines[count++] = (struct line){(uint32_t)(from - text), (uint32_t)(stop - from), rest->flags & CONTINUED};
    rest->flags = cut ? CONTINUED : 0;
    from = stop;
    if (cut || !ended)
      continue;
    if (*from++ == '\r') {
      if (from == end)
        rest->flags = AFTER_CR;
      else if (*from == '\n')
        from++;
    }
    // Each is looked for again only once it was passed, or a text without CR would be searched once for each
    // line.
    if (lf < from)
      lf = find(from, end, '\n');
    if (cr < from)
      cr = find(from, end, '\r');
  }
  rest->length = (uint32_t)(end - from);
  *start = (uint32_t)(from - text);
  return count;
}

// The length of the character at p, or minus the length of what must be replaced there.
static int character(const unsigned char *p, size_t length) {
  unsigned char low = 0x80, high = 0xBF;
  int more = *p >= 0xF0 ? 3 : *p >= 0xE0 ? 2 : 1;
  if (*p < 0x80)
    return 1;
  if (*p < 0xC2 || *p > 0xF4)
    return -1;
  if (*p == 0xE0)
    low = 0xA0; // no overlong forms,
  if (*p == 0xF0)
    low = 0x90;
  if (*p == 0xED)
    high = 0x9F; // no surrogates,
  if (*p == 0xF4)
    high = 0x8F; // nothing above U+10FFFF
  for (int i = 1; i <= more; i++, low = 0x80, high = 0xBF)
    if ((size_t)i >= length || p[i] < low || p[i] > high)
      return -i;
  return more + 1;
}

static char *put(char *at, const void *bytes, size_t length) {
  memcpy(at, bytes, length);
  return at + length;
}

static uint64_t each(unsigned char byte) {
  return byte * UINT64_C(0x0101010101010101);
}

// Whether the next eight bytes can be copied as they are, which is so for nearly all text. May be wrong in
// saying no.
static bool plain(const unsigned char *p, bool json) {
  uint64_t word, bad;
  memcpy(&word, p, sizeof word);
  bad = word | (word - each(json ? ' ' : 1));
  if (json)
    bad |= ((word ^ each('"')) - each(1)) | ((word ^ each('\\')) - each(1));
  return (bad & each(0x80)) == 0;
}

static char *put_text(char *at, const unsigned char *p, size_t length, bool json) {
  for (const unsigned char *end = p + length; p < end;) {
    const unsigned char *run = p;
    while (end - p >= 8 && plain(p, json))
      p += 8;
    at = put(at, run, (size_t)(p - run));
    if (p == end)
      break;
    int n = character(p, (size_t)(end - p));
    if (n < 0 || (*p == '\0' && !json))
      at = put(at, "\xEF\xBF\xBD", 3);
    else if (json && (*p == '"' || *p == '\\'))
      at = put(put(at, "\\", 1), p, 1);
    else if (json && *p < ' ')
      at += sprintf(at, "\\u%04x", *p);
    else
      at = put(at, p, (size_t)n);
    p += n < 0 ? -n : n;
  }
  return at;
}

// A stream's name may be any text: before its lines it must neither end one nor be invalid.
static char *put_label(char *at, const char *label) {
  char *end = put_text(at, (const unsigned char *)label, strlen(label), false);
  for (; at < end; at++)
    if ((unsigned char)*at < ' ')
      *at = '?';
  return end;
}

void text_format(struct format *format, enum style style, const struct timespec *now, const char *name,
                 const char *program, int64_t pid) {
  struct tm tm;
  char *at = format->prefix;
  format->style = style;
  if (style == STAMPED || style == TEXT)
    at += strftime(at, 64, "%Y-%m-%d %H:%M:%S ", localtime_r(&now->tv_sec, &tm));
  if (style == TEXT && *program && pid) {
    at = put_label(at, program);
    at += sprintf(at, "[%" PRId64 "] ", pid);
  } else if (style == TEXT && *program)
    at = put(put_label(put(at, "[", 1), program), "] ", 2);
  if (style == RECENT)
    at += sprintf(at, "%" PRId64 ".%09ld ", (int64_t)now->tv_sec, now->tv_nsec);
  if (style == JSON) {
    int64_t ms = (int64_t)now->tv_sec * 1000 + now->tv_nsec / 1000000;
    at += sprintf(at, "{\"level\":30,\"time\":%" PRId64 ",", ms);
    if (*name)
      at = put(put_text(put(at, "\"service\":\"", 11), (const unsigned char *)name, strlen(name), true),
               "\",", 2);
    if (pid)
      at += sprintf(at, "\"pid\":%" PRId64 ",", pid);
    at = put(at, "\"msg\":\"", 7);
  }
  format->length = (size_t)(at - format->prefix);
}

char *text_put(char *at, const struct format *format, const unsigned char *line, size_t length,
               bool continued) {
  at = put(at, format->prefix, format->length);
  if (format->style == RAW)
    at = put(at, line, length);
  else {
    if (continued && format->style != JSON)
      at = put(at, "... ", 4);
    at = put_text(at, line, length, format->style == JSON);
  }
  if (format->style == JSON)
    at = put(at, continued ? "\",\"continued\":true}" : "\"}", continued ? 19 : 2);
  return put(at, "\n", 1);
}
