/* SPDX-License-Identifier: MIT */

/* Shows the sessions of a server as a table or as JSON. */

#include "server/ctl/show.h"

#include <inttypes.h>
#include <poll.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/util/clock.h"
#include "common/util/text.h"
#include "server/ctl/ask.h"

#define ASK_MS 5000
#define PAUSE_MS 1000

enum column { NUMBER, USER, PEER, PROGRAM, GPU, MEMORY, FRAMES, RATE, SINCE, STATE, COLUMNS };

static const char *const titles[COLUMNS] = {"SESSION", "USER",     "PEER",    "PROGRAM", "GPU",
                                            "MEMORY",  "FRAMES/S", "BYTES/S", "SINCE",   "STATE"};

#define CELL_SIZE 512

struct session {
   char *number, *user, *peer, *program, *gpu, *state; /* in the answer */
   uint64_t memory, frames, in, out, seconds;
   double frame_rate, in_rate, out_rate; /* in a second; negative: not known */
};

struct sessions {
   struct ctl_answer answer;
   struct session *list;
   size_t count;
   int64_t at_ns;
};

static void finish_sessions(struct sessions *sessions)
{
   free(sessions->list);
   free(sessions->answer.data);
}

static uint64_t next_number(char **line)
{
   return strtoull(ctl_next_value(line), NULL, 10);
}

static void read_session(struct session *session, char *line)
{
   session->number = ctl_next_value(&line);
   session->user = ctl_next_value(&line);
   session->peer = ctl_next_value(&line);
   session->program = ctl_next_value(&line);
   session->gpu = ctl_next_value(&line);
   session->memory = next_number(&line);
   session->frames = next_number(&line);
   session->in = next_number(&line);
   session->out = next_number(&line);
   session->seconds = next_number(&line);
   session->state = ctl_next_value(&line);
   session->frame_rate = session->in_rate = session->out_rate = -1;
}

static bool ask_for_sessions(const char *path, struct sessions *sessions)
{
   *sessions = (struct sessions){0};
   if (!ctl_ask(path, "sessions\n", ASK_MS, &sessions->answer))
      return false;
   sessions->at_ns = vp_clock_ns();
   size_t lines = 0;
   for (const char *p = sessions->answer.lines; *p; p++)
      lines += *p == '\n';
   sessions->list = calloc(lines + 1, sizeof(*sessions->list));
   if (!sessions->list) {
      ctl_complain("out of memory");
      finish_sessions(sessions);
      return false;
   }
   char *line;
   while ((line = ctl_next_line(&sessions->answer.lines)))
      read_session(&sessions->list[sessions->count++], line);
   return true;
}

static double rate_of(uint64_t before, uint64_t after, double seconds)
{
   return after > before ? (double)(after - before) / seconds : 0;
}

static void find_rates(struct sessions *sessions, const struct sessions *before)
{
   const double seconds = (double)(sessions->at_ns - before->at_ns) / 1e9;

   for (size_t i = 0; i < sessions->count; i++) {
      struct session *now = &sessions->list[i];
      for (size_t k = 0; k < before->count; k++) {
         const struct session *then = &before->list[k];
         if (strcmp(then->number, now->number) != 0 || strcmp(then->peer, now->peer) != 0)
            continue;
         now->frame_rate = rate_of(then->frames, now->frames, seconds);
         now->in_rate = rate_of(then->in, now->in, seconds);
         now->out_rate = rate_of(then->out, now->out, seconds);
      }
   }
}

/* --- as a table --- */

/* As 512M. */
static void write_size(char cell[CELL_SIZE], double bytes)
{
   static const char units[] = "BKMGTPE";
   unsigned unit = 0;

   for (; bytes >= 1000 && units[unit + 1]; unit++)
      bytes /= 1024;
   if (bytes < 0)
      snprintf(cell, CELL_SIZE, "-");
   else if (unit == 0)
      snprintf(cell, CELL_SIZE, "%.0f", bytes);
   else
      snprintf(cell, CELL_SIZE, bytes < 10 ? "%.1f%c" : "%.0f%c", bytes, units[unit]);
}

/* As 2h05m. */
static void write_age(char cell[CELL_SIZE], uint64_t seconds)
{
   if (seconds < 60)
      snprintf(cell, CELL_SIZE, "%" PRIu64 "s", seconds);
   else if (seconds < 3600)
      snprintf(cell, CELL_SIZE, "%" PRIu64 "m%02" PRIu64 "s", seconds / 60, seconds % 60);
   else if (seconds < 86400)
      snprintf(cell, CELL_SIZE, "%" PRIu64 "h%02" PRIu64 "m", seconds / 3600, seconds / 60 % 60);
   else
      snprintf(cell, CELL_SIZE, "%" PRIu64 "d%02" PRIu64 "h", seconds / 86400, seconds / 3600 % 24);
}

static void write_text(char cell[CELL_SIZE], const char *text)
{
   snprintf(cell, CELL_SIZE, "%s", *text ? text : "-");
}

static void write_row(char cells[COLUMNS][CELL_SIZE], const struct session *session)
{
   const double rate = session->in_rate < 0 ? -1 : session->in_rate + session->out_rate;

   write_text(cells[NUMBER], session->number);
   write_text(cells[USER], session->user);
   write_text(cells[PEER], session->peer);
   write_text(cells[PROGRAM], session->program);
   write_text(cells[GPU], session->gpu);
   write_text(cells[STATE], session->state);
   write_size(cells[MEMORY], (double)session->memory);
   write_size(cells[RATE], rate);
   write_age(cells[SINCE], session->seconds);
   if (session->frame_rate < 0)
      write_text(cells[FRAMES], "-");
   else
      snprintf(cells[FRAMES], CELL_SIZE, "%.1f", session->frame_rate);
}

static void print_row(const char *const cells[COLUMNS], const int widths[COLUMNS])
{
   for (unsigned i = 0; i < COLUMNS; i++) {
      const bool is_number = i == MEMORY || i == FRAMES || i == RATE || i == SINCE;
      const int width = i == COLUMNS - 1 ? 0 : is_number ? widths[i] : -widths[i];
      printf("%*s%s", width, cells[i], i == COLUMNS - 1 ? "\n" : "  ");
   }
}

static void print_table(const struct sessions *sessions)
{
   char cells[COLUMNS][CELL_SIZE];
   const char *row[COLUMNS];
   int widths[COLUMNS];

   for (unsigned i = 0; i < COLUMNS; i++) {
      widths[i] = (int)strlen(titles[i]);
      row[i] = cells[i];
   }
   for (size_t k = 0; k < sessions->count; k++) {
      write_row(cells, &sessions->list[k]);
      for (unsigned i = 0; i < COLUMNS; i++) {
         if ((int)strlen(cells[i]) > widths[i])
            widths[i] = (int)strlen(cells[i]);
      }
   }
   print_row(titles, widths);
   for (size_t k = 0; k < sessions->count; k++) {
      write_row(cells, &sessions->list[k]);
      print_row(row, widths);
   }
}

/* --- as JSON --- */

static void print_rate(const char *name, double rate)
{
   if (rate < 0)
      printf(", \"%s\": null", name);
   else
      printf(", \"%s\": %.3f", name, rate);
}

static void print_json(const struct sessions *sessions)
{
   putchar('[');
   for (size_t i = 0; i < sessions->count; i++) {
      const struct session *session = &sessions->list[i];
      printf("%s\n  {\"session\": %s, ", i ? "," : "", session->number);
      vp_text_print_json("user", session->user);
      fputs(", ", stdout);
      vp_text_print_json("peer", session->peer);
      fputs(", ", stdout);
      vp_text_print_json("program", session->program);
      fputs(", ", stdout);
      vp_text_print_json("gpu", session->gpu);
      fputs(", ", stdout);
      vp_text_print_json("state", session->state);
      printf(", \"memory_bytes\": %" PRIu64 ", \"frames\": %" PRIu64 ", \"bytes_in\": %" PRIu64
             ", \"bytes_out\": %" PRIu64 ", \"seconds\": %" PRIu64,
             session->memory, session->frames, session->in, session->out, session->seconds);
      print_rate("frames_per_second", session->frame_rate);
      print_rate("bytes_in_per_second", session->in_rate);
      print_rate("bytes_out_per_second", session->out_rate);
      putchar('}');
   }
   puts(sessions->count ? "\n]" : "]");
}

int ctl_show_sessions(const char *path, bool json)
{
   struct sessions before, sessions;

   if (!ask_for_sessions(path, &before))
      return 1;
   if (before.count)
      poll(NULL, 0, PAUSE_MS);
   const bool ok = ask_for_sessions(path, &sessions);
   if (ok) {
      find_rates(&sessions, &before);
      if (json)
         print_json(&sessions);
      else
         print_table(&sessions);
      finish_sessions(&sessions);
   }
   finish_sessions(&before);
   return ok ? 0 : 1;
}

static bool is_number(const char *text)
{
   return *text && strspn(text, "0123456789") == strlen(text);
}

int ctl_show_status(const char *path, bool json)
{
   struct ctl_answer answer;
   char *line, *separator = "\n  ";

   if (!ctl_ask(path, "status\n", ASK_MS, &answer))
      return 1;
   if (json)
      putchar('{');
   while ((line = ctl_next_line(&answer.lines))) {
      const char *name = ctl_next_value(&line);
      if (!json) {
         printf("%-20s%s\n", name, line);
      } else if (is_number(line)) {
         printf("%s\"%s\": %s", separator, name, line);
      } else {
         fputs(separator, stdout);
         vp_text_print_json(name, line);
      }
      separator = ",\n  ";
   }
   if (json)
      puts("\n}");
   free(answer.data);
   return 0;
}
