// Messages of the system log: what is in one, and how it looks on one line. Pure functions over hostile
// bytes.
#include "syslog-message.h"
#include <stdbool.h>
#include <string.h>

enum { STAMP = 16 }; // "Nov  2 21:07:59 "

static bool is_digit(unsigned char c) {
  return c >= '0' && c <= '9';
}

// Takes `<PRI>` from the front; the usual priority where there is none.
static int take_priority(struct piece *rest) {
  const unsigned char *p = rest->at;
  size_t digits = 0;
  int priority = 0;
  while (digits < 3 && digits + 1 < rest->length && is_digit(p[digits + 1]))
    priority = priority * 10 + p[++digits] - '0';
  if (rest->length < 3 || *p != '<' || digits == 0 || digits + 1 >= rest->length || p[digits + 1] != '>' ||
      priority > LAST_PRIORITY)
    return USER_NOTICE;
  rest->at += digits + 2;
  rest->length -= digits + 2;
  return priority;
}

static void skip(struct piece *rest, size_t length) {
  rest->at += length;
  rest->length -= length;
}

static bool is_stamp(const struct piece *rest) {
  static const char form[STAMP + 1] = "Aaa ?0 00:00:00 ";
  if (rest->length < STAMP)
    return false;
  for (int i = 0; i < STAMP; i++) {
    unsigned char c = rest->at[i];
    bool letter = (c | 0x20) >= 'a' && (c | 0x20) <= 'z';
    bool fits = form[i] == 'A' || form[i] == 'a' ? letter
                : form[i] == '0'                 ? is_digit(c)
                : form[i] == '?'                 ? c == ' ' || is_digit(c)
                                                 : c == (unsigned char)form[i];
    if (!fits)
      return false;
  }
  return true;
}

// Whether the text begins with that word and a space.
static bool begins_with(const struct piece *rest, const char *word, size_t length) {
  return length > 0 && rest->length > length && memcmp(rest->at, word, length) == 0 &&
         rest->at[length] == ' ';
}

// `TAG:`, `TAG[PID]:`; anything else is text without a tag.
static struct piece find_tag(const struct piece *text) {
  size_t length = 0, end;
  while (length < text->length && length <= MAX_TAG && text->at[length] > ' ' && text->at[length] < 0x7F &&
         text->at[length] != '[' && text->at[length] != ':')
    length++;
  for (end = length; end < text->length && text->at[end] != ':' && text->at[end] != ' ';)
    end++;
  bool tagged = length > 0 && length <= MAX_TAG && end < text->length && text->at[end] == ':' &&
                (end == length || text->at[end - 1] == ']');
  return tagged ? (struct piece){text->at, length} : (struct piece){text->at, 0};
}

// Takes one field of a header; `-` is an empty one.
static bool take_word(struct piece *rest, struct piece *word) {
  const unsigned char *space = memchr(rest->at, ' ', rest->length);
  if (!space || space == rest->at)
    return false;
  *word = (struct piece){rest->at, (size_t)(space - rest->at)};
  skip(rest, word->length + 1);
  if (word->length == 1 && *word->at == '-')
    word->length = 0;
  return true;
}

// Takes one `[ID NAME="VALUE" …]`, whose values may hold brackets, quoted or behind a backslash.
static bool take_element(struct piece *rest) {
  bool quoted = false;
  for (size_t i = 1; i < rest->length; i++) {
    unsigned char c = rest->at[i];
    if (quoted && c == '\\')
      i++;
    else if (c == '"')
      quoted = !quoted;
    else if (c == ']' && !quoted) {
      skip(rest, i + 1);
      return true;
    }
  }
  return false;
}

// Takes the structured data; what tells only of the sender's clock, as logger(1) does each time, is left out.
static bool take_data(struct piece *rest, struct piece *data) {
  static const char clock[] = "[timeQuality ";
  *data = (struct piece){rest->at, 0};
  if (rest->length > 0 && *rest->at == '-')
    skip(rest, 1);
  else if (rest->length == 0 || *rest->at != '[')
    return false;
  while (rest->length > 0 && *rest->at == '[') {
    bool leading =
        data->length == 0 && rest->length >= sizeof clock && memcmp(rest->at, clock, sizeof clock - 1) == 0;
    if (!take_element(rest))
      return false;
    if (leading)
      data->at = rest->at;
    data->length = (size_t)(rest->at - data->at);
  }
  if (rest->length > 0 && *rest->at != ' ')
    return false;
  if (rest->length > 0)
    skip(rest, 1);
  return true;
}

// False if it is no header of RFC 5424, version 1.
static bool parse_5424(struct message *message) {
  struct piece rest = message->text, stamp, host, app, process, id, data;
  if (rest.length < 2 || memcmp(rest.at, "1 ", 2) != 0)
    return false;
  skip(&rest, 2);
  if (!take_word(&rest, &stamp) || !take_word(&rest, &host) || !take_word(&rest, &app) ||
      !take_word(&rest, &process) || !take_word(&rest, &id) || !take_data(&rest, &data))
    return false;
  if (rest.length >= 3 && memcmp(rest.at, "\xEF\xBB\xBF", 3) == 0)
    skip(&rest, 3); // it says only that the text is UTF-8
  *message = (struct message){message->priority, app, rest, app, process, data};
  if (message->tag.length > MAX_TAG)
    message->tag.length = MAX_TAG;
  return true;
}

struct message message_parse(const unsigned char *bytes, size_t length, const char *node) {
  struct piece rest = {bytes, length};
  while (rest.length > 0 && (bytes[rest.length - 1] == '\0' || bytes[rest.length - 1] == '\n'))
    rest.length--; // as some senders end their messages
  struct message message = {.priority = take_priority(&rest)};
  message.text = rest;
  if (parse_5424(&message))
    return message;
  if (is_stamp(&rest)) {
    skip(&rest, STAMP); // the line has our own
    // Only our own name: a first word that is none must stay.
    if (begins_with(&rest, node, strlen(node)))
      skip(&rest, strlen(node) + 1);
    else if (begins_with(&rest, node, strcspn(node, ".")))
      skip(&rest, strcspn(node, ".") + 1);
  }
  message.text = rest;
  message.tag = find_tag(&rest);
  return message;
}

struct message message_parse_kernel(const unsigned char *line, size_t length) {
  static const unsigned char tag[] = "linux";
  struct piece rest = {line, length};
  bool prefixed = length > 0 && *line == '<';
  int priority = take_priority(&rest);
  // A line that was cut, or is the kernel's in another format, is the kernel's still.
  return (struct message){
      .priority = prefixed && rest.at > line ? priority : KERN * 8 + USER_NOTICE % 8,
      .tag = {tag, sizeof tag - 1},
      .text = rest,
  };
}

static unsigned char *put_string(unsigned char *at, const char *string) {
  size_t length = strlen(string);
  memcpy(at, string, length);
  return at + length;
}

static unsigned char *put_piece(unsigned char *at, struct piece piece) {
  for (size_t i = 0; i < piece.length; i++) {
    unsigned char c = piece.at[i];
    if (c >= ' ' ? c != 0x7F : c == '\t')
      *at++ = c;
    else {
      *at++ = '#';
      *at++ = (unsigned char)('0' + (c >> 6));
      *at++ = (unsigned char)('0' + (c >> 3 & 7));
      *at++ = (unsigned char)('0' + (c & 7));
    }
  }
  return at;
}

unsigned char *message_put(unsigned char *at, const struct message *message, const char *host,
                           const char *from) {
  at = put_string(put_string(put_string(at, host), " "), from);
  if (message->app.length > 0) {
    at = put_piece(at, message->app);
    if (message->process.length > 0)
      at = put_string(put_piece(put_string(at, "["), message->process), "]");
    at = put_string(at, ": ");
  }
  at = put_piece(at, message->text);
  if (message->data.length > 0)
    at = put_piece(put_string(at, message->text.length > 0 ? " " : ""), message->data);
  return at;
}
