/* SPDX-License-Identifier: MIT */

/* Makes a Unix socket that nobody else can use at any moment, takes the place of a dead one, and asks the kernel who a
 * client is. */

#include <errno.h>
#include <fcntl.h>
#include <libgen.h>
#include <limits.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "common/util/descriptor.h"
#include "server/process/unix_socket.h"

#define OWNER_ONLY (S_IRUSR | S_IWUSR)

/* How often another server that starts in the same folder is looked for, and the time in between. */
#define LOCK_TRIES 100
#define LOCK_PAUSE_MS 10

bool vps_unix_socket_path_fits(const char *path)
{
   return strlen(path) < sizeof(((struct sockaddr_un *)NULL)->sun_path);
}

static struct sockaddr_un make_address(const char *path)
{
   struct sockaddr_un address = {.sun_family = AF_UNIX};

   memcpy(address.sun_path, path, strlen(path));
   return address;
}

static int new_socket(void)
{
   return vp_descriptor_keep(socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
}

/* Two servers that start at the same time must not take each other's socket for one that was left behind. -1: without;
 * a stranger who holds the lock of a public folder does not keep a server from starting. */
static int lock_folder(const char *path)
{
   char copy[PATH_MAX];

   snprintf(copy, sizeof(copy), "%s", path);
   const int fd = vp_descriptor_open(dirname(copy), O_RDONLY | O_DIRECTORY);
   for (int i = 0; fd >= 0 && i < LOCK_TRIES; i++) {
      if (flock(fd, LOCK_EX | LOCK_NB) == 0 || errno != EWOULDBLOCK)
         break;
      poll(NULL, 0, LOCK_PAUSE_MS);
   }
   return fd;
}

/* 0: somebody listens. Else an errno value; ECONNREFUSED: nobody does. */
static int try_connect(const struct sockaddr_un *address)
{
   const int fd = new_socket();
   if (fd < 0)
      return errno;
   const int error = connect(fd, (const struct sockaddr *)address, sizeof(*address)) == 0 ? 0 : errno;

   close(fd);
   return error == EAGAIN ? 0 : error; /* full */
}

/* False when something is there that is not to be replaced. */
static bool make_room(const char *path, const struct sockaddr_un *address, enum vp_log_level level)
{
   struct stat file;

   if (lstat(path, &file) != 0)
      return true; /* bind() will say what is wrong */
   if (!S_ISSOCK(file.st_mode)) {
      vp_log(level, "%s is there and is no socket; remove it or choose another path", path);
      return false;
   }
   const int error = try_connect(address);
   if (error == 0) {
      vp_log(level, "another program listens on %s; stop that one or choose another path", path);
      return false;
   }
   if (error != ECONNREFUSED) {
      vp_log(level, "cannot find out whether somebody listens on %s: %s; choose another path", path, strerror(error));
      return false;
   }
   if (unlink(path) == 0 || errno == ENOENT)
      return true;
   vp_log(level, "cannot replace the socket %s, which was left behind: %s", path, strerror(errno));
   return false;
}

/* The file gets the mode that the socket has, whatever the umask and the folder's access list are. */
static bool bind_private(struct vps_unix_socket *sock, const struct sockaddr_un *address)
{
   struct stat file;

   if (fchmod(sock->fd, OWNER_ONLY) != 0 || bind(sock->fd, (const struct sockaddr *)address, sizeof(*address)) != 0 ||
       lstat(sock->path, &file) != 0)
      return false;
   sock->device = file.st_dev;
   sock->inode = file.st_ino;
   if ((file.st_mode & (S_IRWXG | S_IRWXO)) != 0) {
      errno = EPERM;
      return false;
   }
   return listen(sock->fd, SOMAXCONN) == 0;
}

static bool open_unix_socket(struct vps_unix_socket *sock, enum vp_log_level level)
{
   const struct sockaddr_un address = make_address(sock->path);

   if (!make_room(sock->path, &address, level))
      return false;
   sock->fd = new_socket();
   if (sock->fd >= 0 && bind_private(sock, &address))
      return true;
   vp_log(level, "cannot make the socket %s: %s; choose another path", sock->path, strerror(errno));
   return false;
}

bool vps_unix_socket_open(struct vps_unix_socket *sock, const char *path, enum vp_log_level level)
{
   *sock = (struct vps_unix_socket){.fd = -1, .path = path};
   const int lock = lock_folder(path);
   const bool ok = open_unix_socket(sock, level);

   if (!ok)
      vps_unix_socket_close(sock);
   if (lock >= 0)
      close(lock);
   return ok;
}

void vps_unix_socket_close(struct vps_unix_socket *sock)
{
   struct stat file;

   if (sock->fd < 0)
      return;
   if (sock->inode && lstat(sock->path, &file) == 0 && file.st_dev == sock->device && file.st_ino == sock->inode)
      unlink(sock->path);
   close(sock->fd);
   sock->fd = -1;
}

int vps_unix_socket_accept(int listener, struct vps_client *client, const char **refusal)
{
   struct ucred who;
   socklen_t size = sizeof(who);
   int fd;

   do {
      fd = vp_descriptor_keep(accept4(listener, NULL, NULL, SOCK_CLOEXEC));
   } while (fd < 0 && errno == EINTR);
   if (fd < 0)
      return -1;
   if (getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &who, &size) != 0) {
      const int error = errno;
      close(fd);
      errno = error;
      return -1;
   }
   snprintf(client->user, sizeof(client->user), "uid:%u", (unsigned)who.uid);
   snprintf(client->peer, sizeof(client->peer), "uid %u, pid %d", (unsigned)who.uid, (int)who.pid);
   *refusal =
      who.uid == 0 || who.uid == geteuid() ? NULL : "the Venus server serves only its own user and root on this socket";
   return fd;
}
