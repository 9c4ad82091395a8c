// Applies frames of requests: all of one, in order, with nothing in between, and a result for each.
#include "keeper.h"

#include <string.h>

// A result frame has the same bound as any frame: what would not fit any more is refused before it is done.
enum { ITEMS_MAX = 16384, RESULT_MAX = 1024, RESULT_MIN = 24 };

static int configure(const struct request *r) {
  if (r->values[F_CULPRIT].given)
    string_of(BYTES(r, F_CULPRIT), policy.culprit, sizeof policy.culprit);
  policy.silence = integer_or(r, F_SILENCE, policy.silence / SECOND) * SECOND;
  policy.grace = integer_or(r, F_GRACE, policy.grace / SECOND) * SECOND;
  policy.window = integer_or(r, F_WINDOW, policy.window / SECOND) * SECOND;
  policy.deaths = integer_or(r, F_DEATHS, policy.deaths);
  orphans_wanted = integer_or(r, F_ORPHANS, orphans_wanted);
  return 0;
}

static int (*const handlers[REQUEST_TYPES])(const struct request *) = {
    [R_HELLO] = daemon_greets,
    [R_SPAWN] = spawn,
    [R_ADOPT] = adopt,
    [R_SIGNAL_CHILD] = signal_child,
    [R_SIGNAL_PROCESS] = signal_process,
    [R_PIPE] = make_descriptor,
    [R_LISTEN] = make_descriptor,
    [R_SOCKET_PAIR] = socket_pair,
    [R_MEMORY_FILE] = make_descriptor,
    [R_OPEN] = make_descriptor,
    [R_NOTIFY_SOCKET] = make_descriptor,
    [R_CLOSE] = close_descriptor,
    [R_WATCH] = watch_descriptor,
    [R_ACCEPT] = accept_connection,
    [R_PASS] = pass,
    [R_PUT_NOTE] = put_note,
    [R_DELETE_NOTE] = delete_note,
    [R_ARM_TIMER] = arm_timer,
    [R_DISARM_TIMER] = disarm_timer,
    [R_ACKNOWLEDGE] = acknowledge,
    [R_CONFIGURE] = configure,
    [R_BEGIN_SHUTDOWN] = begin_shutdown,
    [R_FINISH] = finish,
    [R_RELAUNCH] = relaunch,
    [R_HIBERNATE] = hibernate,
    [R_REPLACE_KEEPER] = replace_keeper,
    [R_TELL_MANAGER] = tell_manager,
    [R_SET_OPTION] = set_socket_option,
    [R_EXPECT_FILE] = expect_file,
    [R_EXPECT_ENVIRONMENT] = expect_environment,
    [R_AWAIT_STARTED] = await_started,
    [R_MAKE_DIRECTORY] = make_directory,
    [R_END_CHILDREN] = end_children,
    [R_STAND_BY] = stand_by,
    [R_STAND_DOWN] = stand_down,
};

// Where the last result frame begins in the output, and its last item.
static int64_t last_frame, last_item;

static const struct state_field position_fields[] = {
    STATE_OF(S_INTEGER, 2, last_frame), STATE_OF(S_INTEGER, 3, last_item), {0}};
const struct state_section requests_state = {.fields = position_fields, .count = 1};

static int apply(uint16_t type, struct bytes fields, bool last, struct writer *out) {
  static struct request request;
  int error = request_parse(type, fields, &request, failure, sizeof failure);
  request.out = out;
  request.last = last;
  if (error != 0 || (error = record_permits((enum request_type)type)) != 0)
    return error;
  if (record_applies())
    return handlers[type](&request);
  if (type == R_HELLO ? daemon_greeted : !daemon_greeted)
    return fail(EPROTO, "%s: hello comes first, and once", request_name(type));
  return handlers[type](&request);
}

// How many items fill `items`, or -1 if they do not.
static int64_t count(struct bytes items) {
  uint16_t type;
  struct bytes fields;
  int more;
  int64_t found = 0;
  while ((more = wire_item(&items, &type, &fields)) > 0)
    found++;
  return more < 0 || found > ITEMS_MAX ? -1 : found;
}

static void put_error(struct writer *out, int error, const char *text) {
  wire_put_integer(out, F_ERRNO, error);
  if (error != 0 && text != NULL)
    wire_put_string(out, F_TEXT, text);
}

int requests_apply(struct bytes *input, struct writer *out, const char **wrong) {
  struct frame frame;
  int whole = wire_frame(input, &frame, wrong);
  if (whole <= 0)
    return whole;
  int64_t left = count(frame.items);
  *wrong = frame.kind != 1   ? "a frame is no request"
           : frame.flags > 1 ? "a frame has unknown flags"
                             : "the items of a frame do not fill it, or are too many";
  if (frame.kind != 1 || frame.flags > 1 || left < 0)
    return -1;
  uint16_t type;
  struct bytes fields;
  size_t opened = wire_open_frame(out, 2, frame.tag), end = opened + 4 + WIRE_FRAME_MAX;
  for (bool failed = false; wire_item(&frame.items, &type, &fields) > 0; left--) {
    size_t item = wire_open_item(out, type), filled = out->used;
    bool room = end - out->used >= RESULT_MAX + (size_t)left * RESULT_MIN;
    int error = failed ? ECANCELED : room ? apply(type, fields, left == 1, out) : ENOBUFS;
    if (error != 0)
      out->used = filled;
    put_error(out, error, !room ? NULL : failed ? "an earlier request of the frame failed" : failure);
    failed = failed || (error != 0 && frame.flags & 1);
    wire_close(out, item);
    last_item = (int64_t)item;
  }
  wire_close(out, opened);
  last_frame = (int64_t)opened;
  return 1;
}

void requests_take_back(struct writer *out, int error) {
  out->used = (size_t)last_item + 8; // its length and type stay
  put_error(out, error, failure);
  wire_close(out, (size_t)last_item);
  wire_close(out, (size_t)last_frame);
}
