/* SPDX-License-Identifier: MIT */
#ifndef VP_SERVER_SESSION_EXECUTOR_H
#define VP_SERVER_SESSION_EXECUTOR_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct vps_context;

/* Executes whole commands. False when the session is over; ctx->error says why. */
bool vps_executor_run(struct vps_context *ctx, const uint8_t *data, size_t size);

/* The same, when all of them must be recorded into one command buffer, without any other that concerns more. */
bool vps_executor_run_apart(struct vps_context *ctx, const uint8_t *data, size_t size);

/* The command buffer of such commands; 0: they begin with none. */
uint64_t vps_executor_recorded_into(const uint8_t *data, size_t size);

/* Tells the client that all commands up to this tag of its have been executed; 0: does nothing. */
void vps_executor_tell(struct vps_context *ctx, uint64_t tag);

#endif
