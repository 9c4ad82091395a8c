// The files of recent histories, of which only so many are open at a time.
#pragma once
#include "file.h"

// Opens one to append to it, and closes another for that; failing, it stays closed.
void recent_open(struct file *file);
// Closes one for good.
void recent_close(struct file *file);
