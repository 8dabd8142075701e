/* SPDX-License-Identifier: MIT */
#ifndef VP_SERVER_CONTROL_ANSWER_H
#define VP_SERVER_CONTROL_ANSWER_H

#include <stdbool.h>
#include <stddef.h>

/* None is longer: thousands of sessions with long names fit. */
#define VPS_ANSWER_MAX_SIZE ((size_t)16 << 20)

/* Text that grows. Starts zeroed. */
struct vps_answer {
   char *data;
   size_t size, room;
   bool failed; /* there was no memory for more */
};

void vps_answer_add(struct vps_answer *answer, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* Frees it; it is empty then. */
void vps_answer_finish(struct vps_answer *answer);

#endif
