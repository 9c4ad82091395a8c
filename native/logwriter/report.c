// Tells the daemon of changes once each; what the socket has no room for is told later, as it is then.
#include "report.h"
#include "control.h"
#include "order.h"
#include "stream.h"
#include <stdio.h>
#include <string.h>

enum { COUNT_MS = 1000 };

// Tells of one destination if its error is not the one told before, or with `counting` if its count is not.
// Whether it did.
static bool report(struct told *told, const struct loss *loss, const char *name, const char *path,
                   bool counting) {
  if (loss->error)
    told->lines = loss->lines;
  bool news = told->error != loss->error;
  if (!news && (loss->error == 0 || told->counted == loss->lines))
    return false;
  if (!news && !counting) {
    file_changed = true; // it is due later
    return false;
  }
  uint8_t bytes[2 * PATH_MAX + 1024];
  char text[PATH_MAX + 128];
  struct writer out = {bytes, 0, sizeof bytes, false};
  size_t frame = wire_open_frame(&out, EVENT, 0), item = wire_open_item(&out, TROUBLE);
  snprintf(text, sizeof text, "write %s: %s", path, loss->error ? strerror(loss->error) : "works again");
  wire_put_string(&out, T_NAME, name);
  wire_put_integer(&out, T_ERRNO, loss->error);
  wire_put_string(&out, T_TEXT, text);
  wire_put_string(&out, T_PATH, path);
  wire_put_integer(&out, T_LOST, (int64_t)told->lines);
  wire_close(&out, item);
  wire_close_frame(&out, frame);
  if (!control_send(out.bytes, out.used, NULL)) {
    file_changed = true; // tried again as soon as there is room
    return false;
  }
  told->error = loss->error;
  told->counted = told->lines;
  return true;
}

// Tells that a file was rotated because of its size, or could not be.
static void report_rotation(struct file *file, const char *name) {
  struct rotated *rotated = &file->rotated;
  if (!rotated->untold)
    return;
  uint8_t bytes[2 * PATH_MAX + 1024];
  char text[PATH_MAX + 128];
  struct writer out = {bytes, 0, sizeof bytes, false};
  size_t frame = wire_open_frame(&out, EVENT, 0), item = wire_open_item(&out, ROTATED);
  snprintf(text, sizeof text, "rotate %s: %s", file->path, strerror(rotated->error));
  wire_put_string(&out, T_NAME, name);
  wire_put_integer(&out, T_ERRNO, rotated->error);
  wire_put_string(&out, T_TEXT, text);
  wire_put_string(&out, T_PATH, file->path);
  wire_close(&out, item);
  wire_close_frame(&out, frame);
  if (control_send(out.bytes, out.used, NULL))
    rotated->untold = false;
  else
    file_changed = true; // tried again as soon as there is room
}

int report_news(int64_t now) {
  static const char *const names[OUTPUTS] = {"standard output", "standard error", "system log"};
  static int64_t count_at;
  bool counting = now >= count_at, changed = file_changed, told = false;
  file_changed = false;
  if (main_sink.file.path) {
    told |= report(&main_sink.told, &commit->main_loss, "", main_sink.file.path, counting);
    report_rotation(&main_sink.file, "");
  }
  for (int i = 0; i < OUTPUTS; i++)
    told |= report(&main_sink.output_told[i], &commit->ring[i].loss, "", names[i], counting);
  for (uint32_t i = 0; changed && i < commit->end; i++)
    if (streams[i] && streams[i]->own.path) {
      char name[MAX_NAME + 1] = {0};
      memcpy(name, commit->slots[i].name, commit->slots[i].name_length);
      told |= report(&streams[i]->told, &commit->slots[i].loss, name, streams[i]->own.path, counting);
      report_rotation(&streams[i]->own, name);
    }
  if (told)
    count_at = now + COUNT_MS;
  return file_changed ? COUNT_MS : -1;
}
