/* SPDX-License-Identifier: MIT */

/* What sessions lend each other: who gets what is there, who does not, and how much there can be. */

#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "server/process/shares.h"
#include "tests/unit/check.h"

static const struct vps_share_facts facts = {.kind = VPS_SHARE_MEMORY, .type = 1, .size = 4096, .gpu = {7}};

static int open_something(void)
{
   const int fd = open("/dev/null", O_RDONLY | O_CLOEXEC);
   CHECK(fd >= 0);
   return fd;
}

static bool is_open(int fd)
{
   return fcntl(fd, F_GETFD) >= 0;
}

static enum vps_share_answer find_as(const struct vps_shares *shares, const char *user,
                                     const struct vps_share_facts *wanted, const struct vps_share_token *token)
{
   int fd = 0;
   const enum vps_share_answer answer = vps_shares_find(shares, user, wanted, token, &fd);
   CHECK((answer == VPS_SHARE_OK) == (fd >= 0));
   return answer;
}

/* Only who says the right secret to the right store, is the same user and wants the same thing. */
static void test_who_finds(void)
{
   struct vps_shares shares, other;
   struct vps_share_token token, wrong, again;
   const int fd = open_something();
   int found;
   CHECK(vps_shares_init(&shares, 8, 8) && vps_shares_init(&other, 8, 8));
   CHECK(vps_shares_add(&shares, 1, "alice", &facts, fd, &token) == VPS_SHARE_OK);
   CHECK(vps_shares_find(&shares, "alice", &facts, &token, &found) == VPS_SHARE_OK && found == fd);
   CHECK(find_as(&shares, "alice", &facts, &token) == VPS_SHARE_OK); /* as often as is wanted */
   CHECK(find_as(&shares, "bob", &facts, &token) == VPS_SHARE_UNKNOWN);
   CHECK(find_as(&shares, "", &facts, &token) == VPS_SHARE_UNKNOWN);
   CHECK(find_as(&other, "alice", &facts, &token) == VPS_SHARE_ELSEWHERE);
   for (unsigned bit = 0; bit < 8 * VPS_SECRET_SIZE; bit++) {
      wrong = token;
      wrong.secret[bit / 8] ^= (uint8_t)(1 << bit % 8);
      CHECK(find_as(&shares, "alice", &facts, &wrong) == VPS_SHARE_UNKNOWN);
   }
   wrong = (struct vps_share_token){0};
   memcpy(wrong.server, token.server, sizeof(wrong.server));
   CHECK(find_as(&shares, "alice", &facts, &wrong) == VPS_SHARE_UNKNOWN);
   CHECK(vps_shares_add(&shares, 1, "alice", &facts, open_something(), &again) == VPS_SHARE_OK);
   CHECK(memcmp(again.secret, token.secret, sizeof(token.secret)) != 0);
   vps_shares_finish(&shares);
   vps_shares_finish(&other);
   CHECK(!is_open(fd));
}

static void test_facts(void)
{
   struct vps_shares shares;
   struct vps_share_token token;
   CHECK(vps_shares_init(&shares, 8, 8));
   CHECK(vps_shares_add(&shares, 1, "alice", &facts, open_something(), &token) == VPS_SHARE_OK);
   struct vps_share_facts wanted[] = {facts, facts, facts, facts};
   wanted[0].kind = VPS_SHARE_SEMAPHORE;
   wanted[1].type++;
   wanted[2].size--;
   wanted[3].gpu[VPS_GPU_SIZE - 1] = 1;
   for (unsigned i = 0; i < sizeof(wanted) / sizeof(*wanted); i++) {
      CHECK(find_as(&shares, "alice", &wanted[i], &token) == VPS_SHARE_UNLIKE);
      CHECK(find_as(&shares, "bob", &wanted[i], &token) == VPS_SHARE_UNKNOWN); /* who learns nothing of it */
   }
   vps_shares_finish(&shares);
}

/* A session takes back what is its own alone; its end takes back all of that. */
static void test_ends(void)
{
   struct vps_shares shares;
   struct vps_share_token tokens[4];
   int fds[4];
   CHECK(vps_shares_init(&shares, 8, 8));
   for (unsigned i = 0; i < 4; i++) {
      fds[i] = open_something();
      CHECK(vps_shares_add(&shares, 1 + i % 2, "alice", &facts, fds[i], &tokens[i]) == VPS_SHARE_OK);
   }
   vps_shares_drop(&shares, 2, &tokens[0]);
   CHECK(is_open(fds[0]) && find_as(&shares, "alice", &facts, &tokens[0]) == VPS_SHARE_OK);
   vps_shares_drop(&shares, 1, &tokens[0]);
   CHECK(!is_open(fds[0]) && find_as(&shares, "alice", &facts, &tokens[0]) == VPS_SHARE_UNKNOWN);
   vps_shares_drop_all(&shares, 2);
   CHECK(!is_open(fds[1]) && is_open(fds[2]) && !is_open(fds[3]));
   CHECK(find_as(&shares, "alice", &facts, &tokens[2]) == VPS_SHARE_OK);
   vps_shares_drop_all(&shares, 1);
   CHECK(shares.count == 0);
   vps_shares_finish(&shares);
}

/* What does not fit is closed. */
static void test_room(void)
{
   struct vps_shares shares;
   struct vps_share_token token, kept;
   int fd;
   CHECK(vps_shares_init(&shares, 5, 3));
   for (unsigned i = 0; i < 3; i++)
      CHECK(vps_shares_add(&shares, 1, "alice", &facts, open_something(), &kept) == VPS_SHARE_OK);
   fd = open_something();
   CHECK(vps_shares_add(&shares, 1, "alice", &facts, fd, &token) == VPS_SHARE_FULL && !is_open(fd));
   CHECK(find_as(&shares, "alice", &facts, &token) == VPS_SHARE_ELSEWHERE); /* it is none */
   for (unsigned i = 0; i < 2; i++)
      CHECK(vps_shares_add(&shares, 2, "bob", &facts, open_something(), &token) == VPS_SHARE_OK);
   fd = open_something();
   CHECK(vps_shares_add(&shares, 2, "bob", &facts, fd, &token) == VPS_SHARE_FULL && !is_open(fd));
   vps_shares_drop(&shares, 1, &kept);
   CHECK(vps_shares_add(&shares, 2, "bob", &facts, open_something(), &token) == VPS_SHARE_OK);
   vps_shares_finish(&shares);
}

/* However many sessions a user has, others find room. */
static void test_room_of_user(void)
{
   struct vps_shares shares;
   struct vps_share_token token;
   CHECK(vps_shares_init(&shares, 8, 2));
   for (unsigned i = 0; i < 8; i++)
      CHECK(vps_shares_add(&shares, 1 + i, "alice", &facts, open_something(), &token) ==
            (i < 4 ? VPS_SHARE_OK : VPS_SHARE_FULL));
   for (unsigned i = 0; i < 2; i++)
      CHECK(vps_shares_add(&shares, 9, "bob", &facts, open_something(), &token) == VPS_SHARE_OK);
   vps_shares_finish(&shares);
}

int main(void)
{
   test_who_finds();
   test_facts();
   test_ends();
   test_room();
   test_room_of_user();
   return check_finish();
}
