// Feeds the log writer's lines whatever libFuzzer thinks of, in batches of any size: the same lines must come
// out of it as out of one that is taken whole, and each must be fit for its file.
#include "../logwriter/text.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

enum { MAX_TEXT = BATCH + MAX_LINE / 4, MAX_PIECES = MAX_TEXT + 64, REPEAT = 0xFE };

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

// What came out: the lines one after the other, and where each ends.
struct result {
  unsigned char text[MAX_TEXT];
  size_t length, count;
  struct {
    size_t end;
    bool continued;
  } piece[MAX_PIECES];
};

static uint8_t text[MAX_TEXT];
static size_t text_length;

// A few bytes must reach the bounds: REPEAT N stands for N * 64 times the eight bytes before it.
static void expand(const uint8_t *data, size_t size, bool repeating) {
  text_length = 0;
  for (size_t i = 0; i < size && text_length < MAX_TEXT; i++) {
    if (!repeating || data[i] != REPEAT || i + 1 == size || text_length < 8) {
      text[text_length++] = data[i];
      continue;
    }
    for (size_t n = data[++i] * 512u; n > 0 && text_length < MAX_TEXT; n--, text_length++)
      text[text_length] = text[text_length - 8];
  }
}

// Valid UTF-8 by the table of the Unicode standard, written down as ranges of whole characters.
static bool is_utf8(const unsigned char *p, size_t length) {
  for (size_t i = 0; i < length;) {
    unsigned lead = p[i], more = lead < 0x80 ? 0 : lead < 0xE0 ? 1 : lead < 0xF0 ? 2 : 3;
    uint32_t c = more == 0 ? lead : lead & (0x3Fu >> more);
    static const uint32_t least[] = {0, 0x80, 0x800, 0x10000};
    if ((lead >= 0x80 && lead < 0xC0) || lead > 0xF7 || i + more >= length)
      return false;
    for (unsigned k = 1; k <= more; k++) {
      if ((p[i + k] & 0xC0) != 0x80)
        return false;
      c = c << 6 | (p[i + k] & 0x3F);
    }
    if (c < least[more] || c > 0x10FFFF || (c >= 0xD800 && c <= 0xDFFF))
      return false;
    i += more + 1;
  }
  return true;
}

static void check_formatted(enum style style, const unsigned char *line, size_t length, bool continued,
                            const char *name, const char *program) {
  static char out[MAX_FORMATTED];
  static const struct timespec now = {1000000000, 123456789};
  struct format format;
  text_format(&format, style, &now, name, program, 7);
  assert(format.length < sizeof format.prefix);
  size_t put = (size_t)(text_put(out, &format, line, length, continued) - out);
  assert(put <= MAX_FORMATTED && put > 0 && out[put - 1] == '\n');
  if (style == RAW)
    return;
  assert(!memchr(out, '\0', put) && !memchr(out, '\n', put - 1));
  assert(is_utf8((unsigned char *)out, put));
  for (size_t i = 0; style == JSON && i + 1 < put; i++)
    assert((unsigned char)out[i] >= ' ');
}

// As stream.c does it: the rest of a line stands just before the next batch.
static void carry(struct result *result, uint32_t seed, bool raw) {
  static unsigned char memory[MAX_LINE + BATCH], rest_text[MAX_LINE];
  static struct line lines[MAX_LINES];
  struct rest rest = {0};
  result->length = result->count = 0;
  for (size_t at = 0, end = 0; !end; end = at == text_length) {
    // Without a seed each batch is as large as may be. Few bytes at a time only while there is little to copy
    // again.
    seed = seed ? seed * 1103515245 + 12345 : 0;
    size_t bound = rest.length > 512 || (seed & 4096) ? BATCH : 16 + text_length / 256;
    size_t left = text_length - at, most = seed ? 1 + (seed >> 16) % bound : BATCH;
    size_t taken = left < most ? left : most;
    uint32_t from = MAX_LINE - rest.length;
    memcpy(memory + from, rest_text, rest.length);
    memcpy(memory + MAX_LINE, text + at, taken);
    at += taken;
    size_t count =
        text_split(memory, &from, (uint32_t)(MAX_LINE + taken), raw, at == text_length, &rest, lines);
    assert(count <= MAX_LINES && rest.length <= MAX_LINE && from + rest.length == MAX_LINE + taken);
    for (size_t i = 0; i < count; i++) {
      assert(lines[i].length <= MAX_LINE && lines[i].from + lines[i].length <= MAX_LINE + taken);
      assert(result->count < MAX_PIECES && result->length + lines[i].length <= text_length);
      memcpy(result->text + result->length, memory + lines[i].from, lines[i].length);
      result->length += lines[i].length;
      result->piece[result->count].end = result->length;
      result->piece[result->count++].continued = lines[i].continued;
    }
    memcpy(rest_text, memory + from, rest.length);
  }
  assert(rest.length == 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  static struct result whole, parts;
  char name[MAX_NAME + 1] = {0}, program[MAX_NAME + 1] = {0};
  if (size < 6)
    return 0;
  uint32_t seed;
  memcpy(&seed, data, sizeof seed);
  bool raw = data[4] & 1;
  size_t named = data[5] < size - 6 ? data[5] : size - 6;
  // Texts of an order hold no NUL; a program's holds no line's end either.
  for (size_t i = 0; i < named; i++) {
    name[i] = (char)(data[6 + i] ? data[6 + i] : 1);
    program[i] = name[i];
  }
  expand(data + 6, size - 6, data[4] >> 4 == 1); // long texts take long, so most are short
  carry(&whole, 0, raw);
  carry(&parts, seed | 1, raw);
  assert(whole.count == parts.count && whole.length == parts.length);
  assert(memcmp(whole.text, parts.text, whole.length) == 0);
  // Nothing but the ends of lines is missing.
  size_t ends = 0;
  for (size_t i = 0; i < text_length; i++)
    ends += text[i] == '\n' || (!raw && text[i] == '\r');
  assert(whole.length + ends == text_length);
  for (size_t i = 0, from = 0; i < whole.count; from = whole.piece[i++].end) {
    assert(whole.piece[i].end == parts.piece[i].end && whole.piece[i].continued == parts.piece[i].continued);
    // Each is formatted by itself: the first ones are enough, and each in one way.
    if (i < 8)
      check_formatted((enum style)((i + (data[4] >> 1)) % (RECENT + 1)), whole.text + from,
                      whole.piece[i].end - from, whole.piece[i].continued, name, program);
  }
  return 0;
}
