// What the daemon is told without having asked: troubles, and files that were rotated.
#pragma once
#include <stdint.h>

// Tells of each destination whose state has changed, and how many lines are lost once a second at most. In
// how many milliseconds something is left to be told; -1: nothing is.
int report_news(int64_t now);
