/* SPDX-License-Identifier: MIT */
/* A program that forks. The child writes to its copy of mapped memory, if it has one, and ends or becomes another
 * program; the parent goes on meanwhile and its memory, on both sides, is as if there were no child. */
#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "stress.h"

#define HALF 153600u /* the GPU copies the first half to the second */
#define CHILD_LOST_WRITE 3
#define CHILD_TIMEOUT_NS (20ll * 1000000000)

struct forks {
   struct mirror mirror;
   unsigned long children, without_memory;
};

/* Only what may be done in the child of a program with threads. */
static _Noreturn void child(uint8_t *map, uint32_t first, uint32_t size, bool exec)
{
   volatile uint8_t *bytes = map;
   faults_in_child();
   for (uint32_t i = first; i < first + size; i++) {
      const uint8_t value = (uint8_t)~bytes[i];
      bytes[i] = value;
      if (bytes[i] != value)
         _exit(CHILD_LOST_WRITE);
   }
   if (exec)
      execl("/bin/sh", "sh", "-c", "exit 0", (char *)NULL);
   _exit(exec ? 127 : 0);
}

static int wait_for(struct worker *w, pid_t pid)
{
   const int64_t deadline = now_ns() + CHILD_TIMEOUT_NS;
   int status = 0;
   while (waitpid(pid, &status, WNOHANG) == 0) {
      if (now_ns() > deadline) {
         report(w, "a child that writes to mapped memory hangs");
         kill(pid, SIGKILL);
         waitpid(pid, &status, 0);
         return 0;
      }
      pause_ns(500000);
   }
   return status;
}

/* Real drivers do not give mapped memory to children, and no fault in it is handled there. */
static bool died_of_no_memory(int status)
{
   return (WIFEXITED(status) && WEXITSTATUS(status) == CHILD_WITHOUT_MEMORY) ||
          (WIFSIGNALED(status) && (WTERMSIG(status) == SIGSEGV || WTERMSIG(status) == SIGBUS));
}

static void judge_child(struct worker *w, struct forks *state, int status)
{
   state->children++;
   if (died_of_no_memory(status))
      state->without_memory++;
   else if (status != 0)
      report(w, "a child that writes to mapped memory ended with %#x", (unsigned)status);
}

static void submit_copy(struct worker *w, struct mirror *mirror)
{
   const VkBuffer buffer = mirror->area.buffer;
   gpu_begin(w);
   gpu_copy(w, buffer, 0, buffer, HALF, HALF);
   gpu_submit(w);
   memcpy(mirror->model + HALF, mirror->model, HALF);
}

static void fork_round(struct worker *w)
{
   struct forks *state = w->part_state;
   struct mirror *mirror = &state->mirror;
   const uint32_t first = below(&w->random, HALF), size = 1 + below(&w->random, HALF - first);
   const bool exec = one_in(&w->random, 2);
   mirror_change(w, mirror, 0, HALF);
   const pid_t pid = fork();
   if (pid == 0)
      child(mirror->area.map, first, size, exec);
   if (pid < 0)
      give_up(w->world, "fork", errno);
   mirror_change(w, mirror, 0, HALF);
   submit_copy(w, mirror);
   gpu_wait(w);
   gpu_recycle(w);
   judge_child(w, state, wait_for(w, pid));
   mirror_compare(w, mirror, "the memory of a parent");
   submit_copy(w, mirror); /* of what the child might have done */
   gpu_wait(w);
   mirror_compare(w, mirror, "what the GPU has of a parent's memory");
   gpu_recycle(w);
   pause_ns(50000000); /* the others have to go on, too */
}

static void *fork_create(struct world *world, uint64_t *random)
{
   struct forks *state = must_alloc(sizeof(*state));
   mirror_create(world, &state->mirror, 2 * HALF, COPY_USAGE, random);
   return state;
}

static void fork_destroy(struct world *world, void *part_state)
{
   struct forks *state = part_state;
   printf("fork          %lu children, %lu of them without the memory\n", state->children, state->without_memory);
   mirror_destroy(world, &state->mirror);
   free(state);
}

const struct part part_fork = {
   .name = "fork",
   .threads = 1,
   .create = fork_create,
   .round = fork_round,
   .destroy = fork_destroy,
};
