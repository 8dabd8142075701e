/* SPDX-License-Identifier: MIT */
#ifndef VP_SERVER_PROCESS_NOTIFIER_H
#define VP_SERVER_PROCESS_NOTIFIER_H

#include <stdint.h>
#include <sys/socket.h>
#include <sys/un.h>

/* What the service manager that has started the server hears of it: systemd's protocol, lines NAME=VALUE in datagrams
 * to the socket that the environment names. Without one it hears nothing. */
struct vps_notifier {
   int fd; /* -1: there is nobody to tell */
   struct sockaddr_un address;
   socklen_t address_size;
   int64_t watchdog_ms;  /* a sign of life is wanted this often; 0: none */
   int64_t next_sign_ms; /* when the next one is due; INT64_MAX: none is */
};

/* Takes what concerns it from the environment, where nobody else is to find it. */
void vps_notifier_open(struct vps_notifier *notifier);
void vps_notifier_close(struct vps_notifier *notifier);

/* Tells it these lines. Never waits; what gets lost is lost. */
void vps_notifier_say(const struct vps_notifier *notifier, const char *format, ...)
   __attribute__((format(printf, 2, 3)));

/* The server is ready, also after it has read its configuration again; signs of life begin. */
void vps_notifier_say_ready(struct vps_notifier *notifier);
void vps_notifier_say_reloading(const struct vps_notifier *notifier);

/* Gives the sign of life that is due. */
void vps_notifier_tend(struct vps_notifier *notifier);

#endif
