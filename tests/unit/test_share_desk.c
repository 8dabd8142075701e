/* SPDX-License-Identifier: MIT */

/* What the listener does with what workers ask of what sessions lend: also with nonsense, and with descriptors that
 * nobody has asked for. */

#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "server/process/passing.h"
#include "server/process/share_desk.h"
#include "server/process/worker_process.h"
#include "tests/unit/check.h"

static const struct vps_share_facts facts = {.kind = VPS_SHARE_FENCE};

static struct vps_share_desk desk;
static struct vps_worker_process workers[2];
static int ends[2];
static atomic_bool over;

static void *run_listener(void *data)
{
   (void)data;
   while (!over) {
      struct pollfd fd = {.fd = desk.epoll_fd, .events = POLLIN};
      if (poll(&fd, 1, 20) > 0)
         vps_share_desk_tend(&desk, workers, 2);
   }
   return NULL;
}

static int open_file(void)
{
   const int fd = open("/proc/self/exe", O_RDONLY | O_CLOEXEC);
   CHECK(fd >= 0);
   return fd;
}

static bool are_same(int a, int b)
{
   struct stat one, other;
   return fstat(a, &one) == 0 && fstat(b, &other) == 0 && one.st_dev == other.st_dev && one.st_ino == other.st_ino;
}

static unsigned count_open(void)
{
   unsigned count = 0;
   for (int fd = 0; fd < 256; fd++)
      count += fcntl(fd, F_GETFD) >= 0;
   return count;
}

static void test_exchange(void)
{
   struct vps_share_token token;
   int file = open_file(), found;
   CHECK(vps_share_way_add(&ends[0], &facts, file, &token) == VPS_SHARE_OK);
   CHECK(vps_share_way_find(&ends[1], &facts, &token, &found) == VPS_SHARE_OK && found >= 0 && found != file);
   CHECK(are_same(file, found));
   close(found);
   /* Only who has made it can take it back. */
   vps_share_way_drop(&ends[1], &token);
   CHECK(vps_share_way_find(&ends[1], &facts, &token, &found) == VPS_SHARE_OK);
   close(found);
   vps_share_way_drop(&ends[0], &token);
   CHECK(vps_share_way_find(&ends[0], &facts, &token, &found) == VPS_SHARE_UNKNOWN && found < 0);
   CHECK(vps_share_way_add(&ends[0], &facts, -1, &token) == VPS_SHARE_FULL);
   close(file);
}

static void test_guesses(void)
{
   struct vps_share_token token, wrong;
   int file = open_file(), found;
   unsigned unknown = 0;
   CHECK(vps_share_way_add(&ends[0], &facts, file, &token) == VPS_SHARE_OK);
   for (unsigned i = 0; i < 300; i++) {
      wrong = token;
      wrong.secret[i % VPS_SECRET_SIZE] ^= (uint8_t)(1 + i / VPS_SECRET_SIZE);
      const enum vps_share_answer answer = vps_share_way_find(&ends[1], &facts, &wrong, &found);
      CHECK(found < 0 && (answer == VPS_SHARE_UNKNOWN || answer == VPS_SHARE_TIRED));
      unknown += answer == VPS_SHARE_UNKNOWN;
   }
   CHECK(unknown == 100);
   CHECK(vps_share_way_find(&ends[1], &facts, &token, &found) == VPS_SHARE_TIRED);
   CHECK(vps_share_way_find(&ends[0], &facts, &token, &found) == VPS_SHARE_OK); /* others are not punished */
   close(found);
   close(file);
}

/* The way is closed, and none of the descriptors stays. */
static void test_nonsense(void)
{
   const uint8_t bytes[3] = {1, 2, 3};
   uint8_t answer[64];
   int files[VPS_PASSING_MOST], none[VPS_PASSING_MOST];
   for (unsigned i = 0; i < VPS_PASSING_MOST; i++)
      files[i] = open_file();
   const unsigned before = count_open();
   CHECK(vps_passing_send(ends[1], bytes, sizeof(bytes), files, VPS_PASSING_MOST, 0));
   CHECK(vps_passing_receive(ends[1], answer, sizeof(answer), none, 0) == 0);
   CHECK(count_open() == before - 1); /* the listener's end */
   struct vps_share_token token = {0};
   int found;
   CHECK(vps_share_way_find(&ends[1], &facts, &token, &found) == VPS_SHARE_FULL && found < 0 && ends[1] < 0);
   for (unsigned i = 0; i < VPS_PASSING_MOST; i++)
      close(files[i]);
}

/* Also a message without a byte can carry some. */
static void test_empty_message(void)
{
   char byte;
   int pair[2], files[VPS_PASSING_MOST], got[VPS_PASSING_MOST];
   CHECK(vps_passing_open(pair));
   for (unsigned i = 0; i < VPS_PASSING_MOST; i++)
      files[i] = open_file();
   const unsigned before = count_open();
   CHECK(vps_passing_send(pair[0], "", 0, files, VPS_PASSING_MOST, 0));
   CHECK(vps_passing_receive(pair[1], &byte, sizeof(byte), got, 0) == 0);
   CHECK(count_open() == before + VPS_PASSING_MOST);
   for (unsigned i = 0; i < VPS_PASSING_MOST; i++) {
      CHECK(got[i] >= 0 && are_same(got[i], files[i]));
      close(got[i]);
      close(files[i]);
   }
   close(pair[0]);
   close(pair[1]);
}

int main(void)
{
   pthread_t thread;
   CHECK(vps_share_desk_open(&desk));
   for (unsigned i = 0; i < 2; i++) {
      snprintf(workers[i].client.user, sizeof(workers[i].client.user), "alice");
      snprintf(workers[i].client.peer, sizeof(workers[i].client.peer), "%u", i);
      vps_share_desk_enter(&desk, &workers[i], &ends[i]);
      CHECK(workers[i].share_fd >= 0 && ends[i] >= 0);
   }
   CHECK(pthread_create(&thread, NULL, run_listener, NULL) == 0);
   test_exchange();
   test_guesses();
   test_nonsense();
   test_empty_message();
   over = true;
   pthread_join(thread, NULL);
   CHECK(workers[1].share_fd < 0); /* test_nonsense */
   CHECK(desk.shares.count == 1);
   for (unsigned i = 0; i < 2; i++)
      vps_share_desk_leave(&desk, &workers[i]);
   CHECK(desk.shares.count == 0);
   if (ends[0] >= 0)
      close(ends[0]);
   vps_share_desk_close(&desk);
   return check_finish();
}
