/* SPDX-License-Identifier: MIT */

/* Two processes share memory, semaphores and fences by opaque file descriptors, which travel over a socket. What is
 * printed is the same natively and remotely.
 *
 * share: the producer, which starts a consumer. With SHARE_CONSUMER=SERVER the consumer has another VENUS_SERVER and is
 * to be refused. share orphan: what is exported is imported when the exporter has gone; share wrong: descriptors of
 * other things; share many: one descriptor is imported 1000 times, and 3000 are made; share keeping: memory whose
 * descriptors are kept; share alone: a process and itself.
 */

#include <fcntl.h>
#include <signal.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tests/e2e/share_objects.h"

/* --- the way between the two --- */

struct letter {
   VkDeviceSize size;
   uint32_t type;
};

static void send_letter(int socket, const struct letter *letter, const int *fds, unsigned count)
{
   union {
      struct cmsghdr header;
      char room[CMSG_SPACE(8 * sizeof(int))];
   } control = {0};
   struct iovec bytes = {.iov_base = (void *)(uintptr_t)letter, .iov_len = sizeof(*letter)};
   struct msghdr message = {.msg_iov = &bytes, .msg_iovlen = 1};
   if (count) {
      message.msg_control = control.room;
      message.msg_controllen = CMSG_SPACE(count * sizeof(int));
      struct cmsghdr *header = CMSG_FIRSTHDR(&message);
      *header =
         (struct cmsghdr){.cmsg_len = CMSG_LEN(count * sizeof(int)), .cmsg_level = SOL_SOCKET, .cmsg_type = SCM_RIGHTS};
      memcpy(CMSG_DATA(header), fds, count * sizeof(int));
   }
   NEED(sendmsg(socket, &message, MSG_NOSIGNAL) == (ssize_t)sizeof(*letter));
   for (unsigned i = 0; i < count; i++)
      close(fds[i]);
}

static struct letter receive_letter(int socket, int *fds, unsigned count)
{
   union {
      struct cmsghdr header;
      char room[CMSG_SPACE(8 * sizeof(int))];
   } control;
   struct letter letter;
   struct iovec bytes = {.iov_base = &letter, .iov_len = sizeof(letter)};
   struct msghdr message = {
      .msg_iov = &bytes, .msg_iovlen = 1, .msg_control = control.room, .msg_controllen = sizeof(control.room)};
   NEED(recvmsg(socket, &message, MSG_CMSG_CLOEXEC) == (ssize_t)sizeof(letter));
   if (count) {
      const struct cmsghdr *header = CMSG_FIRSTHDR(&message);
      NEED(header && header->cmsg_len == CMSG_LEN(count * sizeof(int)));
      memcpy(fds, CMSG_DATA(header), count * sizeof(int));
   }
   return letter;
}

static void say_word(int socket)
{
   const struct letter word = {0};
   send_letter(socket, &word, NULL, 0);
}

static void hear_word(int socket)
{
   receive_letter(socket, NULL, 0);
}

static pid_t start(const char *program, const char *mode, const char *server, int ends[2])
{
   char number[16];
   NEED(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends) == 0);
   fflush(stdout);
   const pid_t pid = fork();
   NEED(pid >= 0);
   if (pid)
      return close(ends[1]), pid;
   if (server)
      setenv("VENUS_SERVER", server, 1);
   snprintf(number, sizeof(number), "%d", dup(ends[1])); /* which exec leaves open */
   execl(program, program, mode, number, (char *)NULL);
   _exit(127);
}

static int end_of(pid_t pid)
{
   int status;
   NEED(waitpid(pid, &status, 0) == pid);
   return WIFEXITED(status) ? WEXITSTATUS(status) : 128;
}

/* --- memory --- */

static void produce_memory(struct side *side, int socket)
{
   struct shared_buffer buffer = create_shared_buffer(&side->gpu);
   struct shared_image image = create_shared_image(&side->gpu);
   int fds[2] = {-1, -1};
   allocate_shared(&side->gpu, &buffer.object, -1);
   OK(vkBindBufferMemory(side->gpu.device, buffer.handle, buffer.object.memory, 0));
   allocate_shared(&side->gpu, &image.object, -1);
   OK(vkBindImageMemory(side->gpu.device, image.handle, image.object.memory, 0));
   fill_buffer(side, &buffer, 1);
   fill_image(side, &image, 2);
   fds[0] = export_memory(&side->gpu, buffer.object.memory);
   fds[1] = export_memory(&side->gpu, image.object.memory);
   send_letter(socket, &(struct letter){buffer.object.size, buffer.object.type}, &fds[0], 1);
   send_letter(socket, &(struct letter){image.object.size, image.object.type}, &fds[1], 1);
   /* Descriptors keep what they stand for. */
   destroy_image(&side->gpu, &image);
   hear_word(socket);
   printf("producer: the buffer has become %08x\n", hash_buffer(side, &buffer));
   destroy_buffer(&side->gpu, &buffer);
}

static void consume_memory(struct side *side, int socket)
{
   struct shared_buffer buffer = create_shared_buffer(&side->gpu);
   struct shared_image image = create_shared_image(&side->gpu);
   int fd;
   const struct letter first = receive_letter(socket, &fd, 1);
   NEED(first.size == buffer.object.size && first.type == buffer.object.type);
   allocate_shared(&side->gpu, &buffer.object, fd);
   OK(vkBindBufferMemory(side->gpu.device, buffer.handle, buffer.object.memory, 0));
   const struct letter second = receive_letter(socket, &fd, 1);
   NEED(second.size == image.object.size && second.type == image.object.type);
   allocate_shared(&side->gpu, &image.object, fd);
   OK(vkBindImageMemory(side->gpu.device, image.handle, image.object.memory, 0));
   printf("consumer: the buffer is %08x, the image %08x\n", hash_buffer(side, &buffer), hash_image(side, &image));
   fill_buffer(side, &buffer, 3);
   fflush(stdout);
   say_word(socket);
   destroy_image(&side->gpu, &image);
   destroy_buffer(&side->gpu, &buffer);
}

/* --- semaphores and fences --- */

static void produce_semaphores(struct side *side, int socket)
{
   const VkSemaphore there = create_semaphore(&side->gpu, false, true),
                     back = create_semaphore(&side->gpu, false, true), once = create_semaphore(&side->gpu, false, true),
                     line = create_semaphore(&side->gpu, true, true);
   int fds[4] = {export_semaphore(&side->gpu, there), export_semaphore(&side->gpu, back),
                 export_semaphore(&side->gpu, once), export_semaphore(&side->gpu, line)};
   send_letter(socket, &(struct letter){0}, fds, 4);
   for (unsigned i = 0; i < 3; i++) {
      submit(side, VK_NULL_HANDLE, there, 0, VK_NULL_HANDLE);
      say_word(socket);
      hear_word(socket);
      submit(side, back, VK_NULL_HANDLE, 0, VK_NULL_HANDLE);
      OK(vkQueueWaitIdle(side->gpu.queue));
   }
   printf("producer: three times there and back\n");
   submit(side, VK_NULL_HANDLE, once, 0, VK_NULL_HANDLE);
   say_word(socket);
   hear_word(socket);
   usleep(200000); /* the consumer and its GPU wait for the timeline by then */
   submit(side, VK_NULL_HANDLE, line, 5, VK_NULL_HANDLE);
   wait_for_value(&side->gpu, line, 6);
   printf("producer: the timeline is at %u\n", (unsigned)value_of(&side->gpu, line));
   signal_value(&side->gpu, line, 7);
   say_word(socket);
   hear_word(socket);
   printf("producer: the timeline is at %u\n", (unsigned)value_of(&side->gpu, line));
   const VkSemaphore all[] = {there, back, once, line};
   for (unsigned i = 0; i < 4; i++)
      vkDestroySemaphore(side->gpu.device, all[i], NULL);
}

static void consume_semaphores(struct side *side, int socket)
{
   const VkSemaphore there = create_semaphore(&side->gpu, false, false),
                     back = create_semaphore(&side->gpu, false, false),
                     once = create_semaphore(&side->gpu, false, false),
                     line = create_semaphore(&side->gpu, true, false);
   int fds[4];
   receive_letter(socket, fds, 4);
   import_semaphore(&side->gpu, there, fds[0], false);
   import_semaphore(&side->gpu, back, fds[1], false);
   import_semaphore(&side->gpu, once, fds[2], true);
   import_semaphore(&side->gpu, line, fds[3], false);
   for (unsigned i = 0; i < 3; i++) {
      hear_word(socket);
      submit(side, there, back, 0, VK_NULL_HANDLE);
      say_word(socket);
   }
   hear_word(socket);
   submit(side, once, VK_NULL_HANDLE, 0, VK_NULL_HANDLE);
   OK(vkQueueWaitIdle(side->gpu.queue));
   /* It is this process's own again. */
   submit(side, VK_NULL_HANDLE, once, 0, VK_NULL_HANDLE);
   submit(side, once, VK_NULL_HANDLE, 0, VK_NULL_HANDLE);
   OK(vkQueueWaitIdle(side->gpu.queue));
   printf("consumer: once and its own, the timeline is at %u\n", (unsigned)value_of(&side->gpu, line));
   fflush(stdout);
   say_word(socket);
   submit_after(side, line, 5);
   wait_for_value(&side->gpu, line, 5);
   submit(side, VK_NULL_HANDLE, line, 6, VK_NULL_HANDLE);
   hear_word(socket);
   printf("consumer: the timeline is at %u\n", (unsigned)value_of(&side->gpu, line));
   signal_value(&side->gpu, line, 8);
   fflush(stdout);
   say_word(socket);
   OK(vkQueueWaitIdle(side->gpu.queue));
   const VkSemaphore all[] = {there, back, once, line};
   for (unsigned i = 0; i < 4; i++)
      vkDestroySemaphore(side->gpu.device, all[i], NULL);
}

static void produce_fence(struct side *side, int socket)
{
   const VkFence fence = create_fence(&side->gpu, true);
   int fd = export_fence(&side->gpu, fence);
   send_letter(socket, &(struct letter){0}, &fd, 1);
   hear_word(socket);
   submit(side, VK_NULL_HANDLE, VK_NULL_HANDLE, 0, fence);
   hear_word(socket); /* the consumer has seen it and reset it */
   printf("producer: the fence says %d\n", vkGetFenceStatus(side->gpu.device, fence));
   submit(side, VK_NULL_HANDLE, VK_NULL_HANDLE, 0, fence);
   OK(vkWaitForFences(side->gpu.device, 1, &fence, VK_TRUE, UINT64_MAX));
   say_word(socket);
   hear_word(socket);
   vkDestroyFence(side->gpu.device, fence, NULL);
}

static void consume_fence(struct side *side, int socket)
{
   const VkFence fence = create_fence(&side->gpu, false);
   int fd;
   receive_letter(socket, &fd, 1);
   import_fence(&side->gpu, fence, fd);
   printf("consumer: the fence says %d\n", vkGetFenceStatus(side->gpu.device, fence));
   printf("consumer: a short wait says %d\n", vkWaitForFences(side->gpu.device, 1, &fence, VK_TRUE, 1000000));
   fflush(stdout);
   say_word(socket);
   OK(vkWaitForFences(side->gpu.device, 1, &fence, VK_TRUE, UINT64_MAX));
   OK(vkResetFences(side->gpu.device, 1, &fence));
   say_word(socket);
   hear_word(socket);
   printf("consumer: the fence says %d\n", vkGetFenceStatus(side->gpu.device, fence));
   fflush(stdout);
   say_word(socket);
   vkDestroyFence(side->gpu.device, fence, NULL);
}

/* --- the modes --- */

static int produce(const char *program)
{
   struct side side;
   int ends[2];
   const char *server = getenv("SHARE_CONSUMER");
   const pid_t pid = start(program, server ? "refused" : "consume", server, ends);
   open_side(&side);
   print_what_is_offered(&side);
   struct shared_buffer buffer = {0};
   if (server) {
      buffer = create_shared_buffer(&side.gpu);
      allocate_shared(&side.gpu, &buffer.object, -1);
      int fd = export_memory(&side.gpu, buffer.object.memory);
      send_letter(ends[0], &(struct letter){0}, &fd, 1);
   } else {
      produce_memory(&side, ends[0]);
      if (side.has_semaphores)
         produce_semaphores(&side, ends[0]);
      if (side.has_fences)
         produce_fence(&side, ends[0]);
   }
   const int status = end_of(pid);
   if (server)
      destroy_buffer(&side.gpu, &buffer);
   close_side(&side);
   return status;
}

static void consume(int socket)
{
   struct side side;
   open_side(&side);
   consume_memory(&side, socket);
   if (side.has_semaphores)
      consume_semaphores(&side, socket);
   if (side.has_fences)
      consume_fence(&side, socket);
   close_side(&side);
}

/* What is exported must not be had here. */
static void be_refused(int socket)
{
   struct side side;
   int fd;
   open_side(&side);
   struct shared_buffer buffer = create_shared_buffer(&side.gpu);
   receive_letter(socket, &fd, 1);
   const VkResult result = try_import_memory(&side.gpu, &buffer.object, fd);
   printf("consumer: the import says %d\n", result);
   NEED(result == VK_ERROR_INVALID_EXTERNAL_HANDLE && close(fd) == 0); /* it is still the application's */
   vkDestroyBuffer(side.gpu.device, buffer.handle, NULL);
   close_side(&side);
}

/* Exports, and goes. */
static void leave(int socket)
{
   struct side side;
   open_side(&side);
   struct shared_buffer buffer = create_shared_buffer(&side.gpu);
   allocate_shared(&side.gpu, &buffer.object, -1);
   int fd = export_memory(&side.gpu, buffer.object.memory);
   send_letter(socket, &(struct letter){0}, &fd, 1);
   destroy_buffer(&side.gpu, &buffer);
   close_side(&side);
}

static int be_orphan(const char *program)
{
   int ends[2];
   const pid_t pid = start(program, "leave", NULL, ends);
   NEED(end_of(pid) == 0);
   be_refused(ends[0]);
   return 0;
}

static void import_wrong(const struct side *side, const char *what, int fd)
{
   struct shared_buffer buffer = create_shared_buffer(&side->gpu);
   const VkResult result = try_import_memory(&side->gpu, &buffer.object, fd);
   printf("%s: %d\n", what, result);
   NEED(result == VK_ERROR_INVALID_EXTERNAL_HANDLE);
   close(fd);
   vkDestroyBuffer(side->gpu.device, buffer.handle, NULL);
}

static int be_wrong(void)
{
   struct side side;
   int pair[2];
   void *data;
   open_side(&side);
   struct shared_buffer buffer = create_shared_buffer(&side.gpu);
   allocate_shared(&side.gpu, &buffer.object, -1);
   import_wrong(&side, "nothing", open("/dev/null", O_RDWR | O_CLOEXEC));
   import_wrong(&side, "a program", open("/proc/self/exe", O_RDONLY | O_CLOEXEC));
   NEED(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair) == 0 && write(pair[1], "VENUSFD", 7) == 7);
   import_wrong(&side, "a socket", pair[0]);
   struct shared_object larger = buffer.object;
   larger.size *= 2;
   const int own = export_memory(&side.gpu, buffer.object.memory);
   NEED(try_import_memory(&side.gpu, &larger, own) == VK_ERROR_INVALID_EXTERNAL_HANDLE);
   close(own);
   /* Tokens that nobody has given out: the same as one that is there, but for its secret. */
   for (unsigned i = 0; i < 200; i++) {
      uint8_t token[48];
      const int fd = export_memory(&side.gpu, buffer.object.memory);
      NEED(recv(fd, token, sizeof(token), MSG_PEEK) == (ssize_t)sizeof(token));
      token[47] ^= (uint8_t)(i + 1);
      NEED(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair) == 0 &&
           write(pair[1], token, sizeof(token)) == (ssize_t)sizeof(token));
      import_wrong(&side, "a guess", pair[0]);
      close(pair[1]);
      close(fd);
   }
   NEED(vkMapMemory(side.gpu.device, buffer.object.memory, 0, VK_WHOLE_SIZE, 0, &data) == VK_ERROR_MEMORY_MAP_FAILED);
   destroy_buffer(&side.gpu, &buffer);
   close_side(&side);
   return 0;
}

static int be_many(void)
{
   struct side side;
   open_side(&side);
   struct shared_buffer buffer = create_shared_buffer(&side.gpu);
   allocate_shared(&side.gpu, &buffer.object, -1);
   const int fd = export_memory(&side.gpu, buffer.object.memory);
   for (unsigned i = 0; i < 1000; i++) {
      struct shared_object again = buffer.object;
      const int copy = fcntl(fd, F_DUPFD_CLOEXEC, 3);
      OK(try_import_memory(&side.gpu, &again, copy));
      NEED(fcntl(copy, F_GETFD) < 0); /* the driver has closed it */
      vkFreeMemory(side.gpu.device, again.memory, NULL);
   }
   close(fd);
   for (unsigned i = 0; i < 3000; i++)
      close(export_memory(&side.gpu, buffer.object.memory));
   printf("a thousand times\n");
   destroy_buffer(&side.gpu, &buffer);
   close_side(&side);
   return 0;
}

/* A process imports what it has exported, also when the original has gone. */
static int be_alone(void)
{
   struct side side;
   open_side(&side);
   struct shared_buffer buffer = create_shared_buffer(&side.gpu), other = create_shared_buffer(&side.gpu);
   allocate_shared(&side.gpu, &buffer.object, -1);
   OK(vkBindBufferMemory(side.gpu.device, buffer.handle, buffer.object.memory, 0));
   fill_buffer(&side, &buffer, 4);
   const int fd = export_memory(&side.gpu, buffer.object.memory);
   destroy_buffer(&side.gpu, &buffer);
   allocate_shared(&side.gpu, &other.object, fd);
   OK(vkBindBufferMemory(side.gpu.device, other.handle, other.object.memory, 0));
   printf("alone: the buffer is %08x\n", hash_buffer(&side, &other));
   destroy_buffer(&side.gpu, &other);
   close_side(&side);
   return 0;
}

/* Memory that is freed while its descriptor is open is still the program's, which has a quota. */
static int be_keeping(void)
{
   enum { MOST = 64 };
   struct side side;
   int fds[MOST];
   unsigned count = 0;
   open_side(&side);
   struct shared_buffer buffer = create_shared_buffer(&side.gpu);
   struct shared_object large = buffer.object;
   large.size = 16 << 20;
   large.dedicated.buffer = VK_NULL_HANDLE;
   while (count < MOST && try_allocate_shared(&side.gpu, &large) == VK_SUCCESS) {
      fds[count++] = export_memory(&side.gpu, large.memory);
      vkFreeMemory(side.gpu.device, large.memory, NULL);
   }
   printf("kept %u of %u\n", count, MOST);
   NEED(count > 0 && count < MOST);
   for (unsigned i = 0; i < count; i++)
      close(fds[i]);
   allocate_shared(&side.gpu, &buffer.object, -1);
   close(export_memory(&side.gpu, buffer.object.memory)); /* now the driver looks */
   OK(try_allocate_shared(&side.gpu, &large));
   vkFreeMemory(side.gpu.device, large.memory, NULL);
   destroy_buffer(&side.gpu, &buffer);
   close_side(&side);
   return 0;
}

int main(int argc, char **argv)
{
   const char *mode = argc > 1 ? argv[1] : "";
   const int socket = argc > 2 ? atoi(argv[2]) : -1;
   if (!*mode)
      return produce(argv[0]);
   if (strcmp(mode, "orphan") == 0)
      return be_orphan(argv[0]);
   if (strcmp(mode, "wrong") == 0)
      return be_wrong();
   if (strcmp(mode, "many") == 0)
      return be_many();
   if (strcmp(mode, "keeping") == 0)
      return be_keeping();
   if (strcmp(mode, "alone") == 0)
      return be_alone();
   if (strcmp(mode, "consume") == 0)
      consume(socket);
   else if (strcmp(mode, "refused") == 0)
      be_refused(socket);
   else if (strcmp(mode, "leave") == 0)
      leave(socket);
   else
      return 2;
   return 0;
}
