/* SPDX-License-Identifier: MIT */
#include <pthread.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "client/link/connection.h"
#include "client/link/pace.h"
#include "common/net/frame.h"
#include "common/util/bytes.h"
#include "common/util/clock.h"
#include "server/core/frame_writer.h"
#include "server/core/meter.h"
#include "tests/unit/check.h"
#include "vp_commands.h"

/* How far the client runs ahead of the server, and what the server tells of its work: each side alone. */

/* --- the client --- */

static struct vp_connection conn;

static void begin(void)
{
   memset(&conn, 0, sizeof(conn));
   conn.stream.open_frame = SIZE_MAX;
   pthread_mutex_init(&conn.stream.lock, NULL);
   pthread_mutex_init(&conn.progress_lock, NULL);
   vp_clock_cond_init(&conn.progress_cond);
}

static void end(void)
{
   pthread_cond_destroy(&conn.progress_cond);
   pthread_mutex_destroy(&conn.progress_lock);
   pthread_mutex_destroy(&conn.stream.lock);
}

/* Says allocations; the last tag that went with them. */
static uint64_t allocate(unsigned count)
{
   uint64_t tag = 0;
   for (unsigned i = 0; i < count; i++) {
      if (vp_pace_add(&conn.pace, VP_CMD_vkAllocateMemory, 80)) {
         tag = vp_pace_tag(&conn);
         CHECK(tag);
      }
   }
   return tag;
}

static bool tell_cost(uint32_t ns)
{
   uint8_t pair[VP_COST_PAIR_SIZE];
   vp_bytes_store_u32(pair, VP_CMD_vkAllocateMemory);
   vp_bytes_store_u32(pair + 4, ns);
   return vp_pace_receive(&conn, 0, pair, sizeof(pair));
}

static int64_t wait_ms(void)
{
   const int64_t start_ms = vp_clock_ms();
   vp_pace_wait(&conn);
   return vp_clock_ms() - start_ms;
}

struct news {
   uint64_t tag;
   atomic_bool came;
};

static void *bring_news(void *data)
{
   struct news *news = data;
   usleep(50000);
   atomic_store(&news->came, true);
   if (news->tag)
      CHECK(vp_pace_receive(&conn, news->tag, NULL, 0));
   else
      vp_connection_lose(&conn, NULL);
   return NULL;
}

/* Waits, with news after a moment. Whether it went on because of them. */
static bool wait_for(uint64_t tag)
{
   struct news news = {.tag = tag};
   pthread_t thread;
   if (!CHECK(!pthread_create(&thread, NULL, bring_news, &news)))
      return false;
   const int64_t ms = wait_ms();
   const bool came = atomic_load(&news.came);
   pthread_join(thread, NULL);
   return came && ms < 900;
}

static void test_waits(void)
{
   begin();
   allocate(20);
   CHECK(wait_ms() < 40); /* little is queued */
   const uint64_t tag = allocate(200);
   CHECK(conn.pace.said - conn.pace.executed > 100000000);
   CHECK(wait_for(tag));
   CHECK(conn.pace.executed == tag && wait_ms() < 40);
   end();
}

static void test_costs(void)
{
   begin();
   CHECK(tell_cost(1000));
   allocate(10000);
   CHECK(wait_ms() < 40);
   CHECK(tell_cost(UINT32_MAX)); /* no sum can overflow */
   CHECK(allocate(1));
   CHECK(conn.pace.said < 2000000000);
   end();
}

static void test_recorded(void)
{
   begin();
   CHECK(!vp_pace_add(&conn.pace, VP_COST_RECORDED, 1 << 20));
   CHECK(vp_pace_add(&conn.pace, VP_COST_RECORDED, 16 << 20));
   end();
}

static void test_lost(void)
{
   begin();
   conn.channel.fd = -1;
   allocate(1000);
   CHECK(wait_for(0));
   end();
}

/* A server that says nothing at all does not stop anybody for long. */
static void test_patience(void)
{
   begin();
   allocate(1000);
   CHECK(wait_ms() >= 900);
   end();
}

static void test_nonsense(void)
{
   uint8_t data[VP_COST_PAIR_SIZE] = {0};
   begin();
   const uint64_t tag = allocate(100);
   CHECK(!vp_pace_receive(&conn, 0, data, 7));
   CHECK(!vp_pace_receive(&conn, conn.pace.said + 1, NULL, 0));
   CHECK(vp_pace_receive(&conn, tag, NULL, 0) && vp_pace_receive(&conn, tag / 2, NULL, 0));
   CHECK(conn.pace.executed == tag);
   memset(data, 0xff, sizeof(data)); /* any number is a command */
   CHECK(vp_pace_receive(&conn, 0, data, sizeof(data)));
   end();
}

/* --- the server --- */

static struct vps_frame_writer writer;
static struct vp_frame frame;
static int client;

static bool next_frame(uint64_t tag)
{
   return vp_frame_read(&VP_CHANNEL(client), &frame, 0) == VP_FRAME_OK && frame.header.type == VP_FRAME_EXECUTED &&
          frame.header.tag == tag;
}

static void execute(struct vps_meter *meter, unsigned us)
{
   vps_meter_begin(meter);
   usleep(us);
   vps_meter_end(meter, VP_CMD_vkAllocateMemory);
}

static void test_meter(void)
{
   static struct vps_meter meter;
   vps_meter_start(&meter);
   execute(&meter, 2000);
   execute(&meter, 2000);
   CHECK(!meter.urgent); /* nobody has asked */
   vps_meter_tell(&meter, &writer, 7);
   CHECK(next_frame(7) && frame.header.length == 0);
   vps_meter_start(&meter);
   execute(&meter, 2000);
   CHECK(meter.urgent);
   vps_meter_tell(&meter, &writer, 0);
   CHECK(next_frame(0) && frame.header.length == VP_COST_PAIR_SIZE);
   CHECK(vp_bytes_load_u32(frame.payload) == VP_CMD_vkAllocateMemory);
   CHECK(vp_bytes_load_u32(frame.payload + 4) >= 2000000);
   vps_meter_tell(&meter, &writer, 0);
   CHECK(vp_frame_read(&VP_CHANNEL(client), &frame, 0) == VP_FRAME_TIMEOUT); /* nothing is new */
   vps_meter_record(&meter, 1 << 20);
   usleep(1000);
   vps_meter_begin(&meter);
   vps_meter_tell(&meter, &writer, 9);
   CHECK(next_frame(9) && frame.header.length >= VP_COST_PAIR_SIZE);
   CHECK(vp_bytes_load_u32(frame.payload) == VP_COST_RECORDED && vp_bytes_load_u32(frame.payload + 4) >= 900);
}

/* One command that takes long says nothing of the next. */
static void test_spike(void)
{
   static struct vps_meter meter = {.runs = true};
   vps_meter_start(&meter);
   execute(&meter, 0);
   execute(&meter, 300000);
   CHECK(meter.costs[vp_cost_kind(VP_CMD_vkAllocateMemory)].ns < 300000000);
   execute(&meter, 300000);
   CHECK(meter.costs[vp_cost_kind(VP_CMD_vkAllocateMemory)].ns >= 300000000);
}

int main(void)
{
   int fds[2];
   test_waits();
   test_costs();
   test_recorded();
   test_lost();
   test_patience();
   test_nonsense();
   CHECK(socketpair(AF_UNIX, SOCK_STREAM, 0, fds) == 0 && vps_frame_writer_init(&writer, fds[0], VP_COMPRESS_NONE));
   client = fds[1];
   test_meter();
   test_spike();
   vps_frame_writer_finish(&writer);
   vp_frame_finish(&frame);
   close(fds[0]);
   close(fds[1]);
   return check_finish();
}
