/* SPDX-License-Identifier: MIT */
/* Whose session a client that comes back gets: its own, and nobody else's. */

#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "server/process/returning.h"
#include "tests/unit/check.h"

static struct vps_worker_process workers[] = {
   {.handover_fd = 3, .client = {.peer = "a", .user = "address:192.0.2.1", .session = {1, 2, 3}}},
   {.handover_fd = 4, .client = {.peer = "b", .user = "uid:1000", .session = {4, 5, 6}}},
   {.handover_fd = 5, .client = {.peer = "c", .user = "alice", .session = {7, 8, 9}}},
   {.handover_fd = -1, .client = {.peer = "d", .user = "alice", .session = {10, 11, 12}}}, /* it ends */
   {.handover_fd = 6},                                                                     /* without a client */
};
#define COUNT (sizeof(workers) / sizeof(workers[0]))

/* -1: none. */
static int find(const char *user, uint8_t first, uint8_t second, uint8_t third)
{
   const struct vp_resume resume = {.session = {first, second, third}};
   struct vps_client client = {.peer = "x"};
   strcpy(client.user, user);
   const struct vps_worker_process *worker = vps_returning_find(workers, COUNT, &resume, &client);
   return worker ? (int)(worker - workers) : -1;
}

static void test_find(void)
{
   CHECK(find("address:192.0.2.1", 1, 2, 3) == 0);
   CHECK(find("address:2001:db8::/64", 1, 2, 3) == 0); /* which has changed its network */
   CHECK(find("alice", 1, 2, 3) == -1);
   CHECK(find("uid:1000", 4, 5, 6) == 1 && find("uid:1001", 4, 5, 6) == -1 && find("", 4, 5, 6) == -1);
   CHECK(find("alice", 7, 8, 9) == 2);
   CHECK(find("bob", 7, 8, 9) == -1 && find("address:192.0.2.1", 7, 8, 9) == -1);
   CHECK(find("alice", 7, 8, 10) == -1 && find("alice", 6, 8, 9) == -1);
   CHECK(find("alice", 10, 11, 12) == -1);
   CHECK(find("alice", 0, 0, 0) == -1 && find("", 0, 0, 0) == -1);
}

static void test_longest_away(void)
{
   struct vps_worker_process some[4] = {
      {.handover_fd = -1}, {.handover_fd = -1}, {.handover_fd = -1}, {.handover_fd = -1}};
   CHECK(!vps_returning_longest_away(some, 4));
   some[1].news.lost_ms = 30;
   some[2].news.lost_ms = 20;
   some[3].news.lost_ms = 10;
   CHECK(vps_returning_longest_away(some, 4) == &some[3]);
   some[3].dismissed = true; /* who ends already */
   CHECK(vps_returning_longest_away(some, 4) == &some[2]);
}

static bool peek(const void *data, size_t size, struct vp_resume *resume)
{
   uint8_t left[256];
   int fds[2];
   if (!CHECK(socketpair(AF_UNIX, SOCK_STREAM, 0, fds) == 0))
      return false;
   CHECK(send(fds[0], data, size, 0) == (ssize_t)size);
   const bool wants = vps_returning_peek(fds[1], resume);
   CHECK(recv(fds[1], left, sizeof(left), MSG_DONTWAIT) == (ssize_t)size); /* it is left there */
   close(fds[0]);
   close(fds[1]);
   return wants;
}

static void test_peek(void)
{
   static const uint8_t none[VP_SESSION_ID_SIZE];
   const struct vp_resume said = {.session = {1, 2, 3}, .received = 77};
   uint8_t bytes[VP_RESUME_FRAME_SIZE + 1] = {0};
   struct vp_resume resume;
   int fds[2];
   if (!CHECK(socketpair(AF_UNIX, SOCK_STREAM, 0, fds) == 0))
      return;
   CHECK(vp_resume_send(fds[0], &said, VP_CLIENT));
   CHECK(recv(fds[1], bytes, sizeof(bytes), 0) == VP_RESUME_FRAME_SIZE);
   close(fds[0]);
   close(fds[1]);
   CHECK(peek(bytes, VP_RESUME_FRAME_SIZE, &resume) && resume.received == 77 && resume.session[2] == 3);
   bytes[4]--; /* the length */
   CHECK(peek(bytes, VP_RESUME_FRAME_SIZE - 1, &resume) && memcmp(resume.session, none, sizeof(none)) == 0);
   CHECK(peek(bytes, VP_FRAME_HEADER_SIZE, &resume) && memcmp(resume.session, none, sizeof(none)) == 0);
   bytes[0] = VP_FRAME_HELLO;
   CHECK(!peek(bytes, VP_RESUME_FRAME_SIZE, &resume));
}

int main(void)
{
   test_find();
   test_longest_away();
   test_peek();
   return check_finish();
}
