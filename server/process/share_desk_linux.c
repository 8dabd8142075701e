/* SPDX-License-Identifier: MIT */

/* Questions and answers about what sessions lend each other, as packets with descriptors. */

#include <errno.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

#include "common/util/descriptor.h"
#include "common/util/log.h"
#include "server/process/passing.h"
#include "server/process/share_desk.h"
#include "server/process/worker_process.h"

/* Descriptors that the listener may have open, and how many of them are lent at most. */
#define MOST_FILES 16384
#define MOST_SHARES 4096

/* A session that has asked for so many that are not there gets no more. Programs get each of theirs from who has made
 * it, so that they ask for few that have gone. */
#define MOST_WRONG 100

#define ANSWER_S 5

enum share_word { ADD = 1, FIND, DROP };

struct share_question {
   uint32_t word;
   uint32_t zero; /* where there would be bytes of whatever was there before */
   struct vps_share_facts facts;
   struct vps_share_token token;
};

struct share_reply {
   uint32_t answer;
   struct vps_share_token token;
};

/* --- the listener --- */

bool vps_share_desk_open(struct vps_share_desk *desk)
{
   struct rlimit files;

   *desk = (struct vps_share_desk){.epoll_fd = -1};
   if (getrlimit(RLIMIT_NOFILE, &files) != 0)
      return false;
   if (files.rlim_cur < MOST_FILES) {
      files.rlim_cur = files.rlim_max < MOST_FILES ? files.rlim_max : MOST_FILES;
      (void)setrlimit(RLIMIT_NOFILE, &files);
   }
   const unsigned half = files.rlim_cur / 2 < MOST_SHARES ? (unsigned)files.rlim_cur / 2 : MOST_SHARES;
   if (!vps_shares_init(&desk->shares, half, half / 4))
      return false;
   desk->epoll_fd = vp_descriptor_keep(epoll_create1(EPOLL_CLOEXEC));
   if (desk->epoll_fd >= 0)
      return true;
   vps_shares_finish(&desk->shares);
   return false;
}

void vps_share_desk_close(struct vps_share_desk *desk)
{
   if (!desk->shares.list)
      return;
   close(desk->epoll_fd);
   vps_shares_finish(&desk->shares);
   *desk = (struct vps_share_desk){.epoll_fd = -1};
}

static void close_share_end(struct vps_worker_process *worker)
{
   if (worker->share_fd >= 0)
      close(worker->share_fd);
   worker->share_fd = -1;
}

void vps_share_desk_enter(struct vps_share_desk *desk, struct vps_worker_process *worker, int *worker_end)
{
   int ends[2];

   worker->share_fd = *worker_end = -1;
   worker->owner = ++desk->last_owner;
   worker->wrong_tokens = 0;
   if (desk->epoll_fd < 0 || !vps_passing_open(ends))
      return;
   struct epoll_event event = {.events = EPOLLIN, .data.u64 = worker->owner};
   if (epoll_ctl(desk->epoll_fd, EPOLL_CTL_ADD, ends[0], &event) != 0) {
      close(ends[0]);
      close(ends[1]);
      return;
   }
   worker->share_fd = ends[0];
   *worker_end = ends[1];
}

void vps_share_desk_leave(struct vps_share_desk *desk, struct vps_worker_process *worker)
{
   close_share_end(worker);
   vps_shares_drop_all(&desk->shares, worker->owner);
}

static enum vps_share_answer find_for(const struct vps_share_desk *desk, struct vps_worker_process *worker,
                                      const struct share_question *question, int *fd)
{
   *fd = -1;
   if (worker->wrong_tokens >= MOST_WRONG)
      return VPS_SHARE_TIRED;
   const enum vps_share_answer answer =
      vps_shares_find(&desk->shares, worker->client.user, &question->facts, &question->token, fd);
   if (answer == VPS_SHARE_UNKNOWN && ++worker->wrong_tokens == MOST_WRONG)
      vp_log_about(VP_LOG_WARN, worker->client.peer, worker->client.user,
                   "client %s: has asked for %u shared objects that are not there, and gets no more",
                   worker->client.peer, MOST_WRONG);
   return answer;
}

/* Closes the descriptors that came along, but for the first where it is added. */
static void answer_share(struct vps_share_desk *desk, struct vps_worker_process *worker,
                         const struct share_question *question, int fds[VPS_PASSING_MOST])
{
   struct share_reply reply = {.answer = VPS_SHARE_FULL};
   int found = -1;

   if (question->word == ADD && fds[0] >= 0) {
      reply.answer =
         vps_shares_add(&desk->shares, worker->owner, worker->client.user, &question->facts, fds[0], &reply.token);
      fds[0] = -1;
   } else if (question->word == FIND) {
      reply.answer = find_for(desk, worker, question, &found);
   } else if (question->word == DROP) {
      vps_shares_drop(&desk->shares, worker->owner, &question->token);
   }
   if (question->word != DROP)
      (void)vps_passing_send(worker->share_fd, &reply, sizeof(reply), &found, found >= 0, MSG_DONTWAIT);
}

static void hear_worker(struct vps_share_desk *desk, struct vps_worker_process *worker)
{
   struct share_question question;
   int fds[VPS_PASSING_MOST];
   const ssize_t size = vps_passing_receive(worker->share_fd, &question, sizeof(question), fds, MSG_DONTWAIT);
   const bool nothing_yet = size < 0 && (errno == EAGAIN || errno == EWOULDBLOCK);

   if (size == (ssize_t)sizeof(question))
      answer_share(desk, worker, &question, fds);
   for (unsigned i = 0; i < VPS_PASSING_MOST; i++) {
      if (fds[i] >= 0)
         close(fds[i]);
   }
   if (size != (ssize_t)sizeof(question) && !nothing_yet)
      close_share_end(worker);
}

void vps_share_desk_tend(struct vps_share_desk *desk, struct vps_worker_process *workers, unsigned count)
{
   struct epoll_event events[16];
   const int n = desk->epoll_fd < 0 ? 0 : epoll_wait(desk->epoll_fd, events, 16, 0);

   for (int i = 0; i < n; i++) {
      for (unsigned j = 0; j < count; j++) {
         if (workers[j].share_fd >= 0 && workers[j].owner == events[i].data.u64)
            hear_worker(desk, &workers[j]);
      }
   }
}

/* --- a worker --- */

static void close_way(int *end)
{
   if (*end >= 0)
      close(*end);
   *end = -1;
}

/* Who does not answer in time could answer the next question. */
static enum vps_share_answer ask_listener(int *end, const struct share_question *question, int fd,
                                          struct share_reply *reply, int *found)
{
   const struct timeval limit = {.tv_sec = ANSWER_S};
   int fds[VPS_PASSING_MOST];

   *found = -1;
   *reply = (struct share_reply){.answer = VPS_SHARE_FULL};
   if (*end < 0)
      return VPS_SHARE_FULL;
   (void)setsockopt(*end, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof(limit));
   (void)setsockopt(*end, SOL_SOCKET, SO_SNDTIMEO, &limit, sizeof(limit));
   if (!vps_passing_send(*end, question, sizeof(*question), &fd, fd >= 0, 0) ||
       vps_passing_receive(*end, reply, sizeof(*reply), fds, 0) != (ssize_t)sizeof(*reply)) {
      vp_log(VP_LOG_ERROR, "the listener does not answer; this session can share nothing any more");
      close_way(end);
      return VPS_SHARE_FULL;
   }
   *found = fds[0];
   for (unsigned i = 1; i < VPS_PASSING_MOST; i++) {
      if (fds[i] >= 0)
         close(fds[i]);
   }
   return (enum vps_share_answer)reply->answer;
}

enum vps_share_answer vps_share_way_add(int *end, const struct vps_share_facts *facts, int fd,
                                        struct vps_share_token *token)
{
   const struct share_question question = {.word = ADD, .facts = *facts};
   struct share_reply reply;
   int none;

   const enum vps_share_answer answer = ask_listener(end, &question, fd, &reply, &none);
   if (none >= 0)
      close(none);
   *token = reply.token;
   return answer;
}

enum vps_share_answer vps_share_way_find(int *end, const struct vps_share_facts *facts,
                                         const struct vps_share_token *token, int *fd)
{
   const struct share_question question = {.word = FIND, .facts = *facts, .token = *token};
   struct share_reply reply;

   const enum vps_share_answer answer = ask_listener(end, &question, -1, &reply, fd);
   return answer == VPS_SHARE_OK && *fd < 0 ? VPS_SHARE_UNKNOWN : answer;
}

void vps_share_way_drop(int *end, const struct vps_share_token *token)
{
   const struct share_question question = {.word = DROP, .token = *token};

   if (*end >= 0 && !vps_passing_send(*end, &question, sizeof(question), NULL, 0, 0))
      close_way(end);
}
