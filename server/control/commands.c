/* SPDX-License-Identifier: MIT */

/* A table of what can be asked on the control socket. */

#include "server/control/commands.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#define STRING_OF(x) #x
#define STRING(x) STRING_OF(x)

/* A reason has to fit into the sentence that the client gets. */
#define REASON_LENGTH 160

typedef void command_function(const struct vps_oversight *oversight, char *rest, struct vps_answer *answer);

static void command_refuse(struct vps_answer *answer, const char *sentence)
{
   vps_answer_add(answer, "error\t%s\n", sentence);
}

static bool get_report(const struct vps_oversight *oversight, struct vps_report *report, struct vps_answer *answer)
{
   if (oversight->report(oversight->owner, report))
      return true;
   command_refuse(answer, "the server is out of memory");
   return false;
}

static void command_status(const struct vps_oversight *oversight, char *rest, struct vps_answer *answer)
{
   struct vps_report report;

   (void)rest;
   if (!get_report(oversight, &report, answer))
      return;
   vps_answer_add(answer, "ok\nversion\t%s\nuptime\t%" PRIu64 "\n", VP_VERSION, report.age_s);
   vps_answer_add(answer, "accepting\t%s\n", report.is_accepting ? "yes" : "no");
   vps_answer_add(answer, "gpus\t%s\n", report.unhealthy ? report.unhealthy : "work");
   vps_answer_add(answer, "sessions\t%u\nmax-clients\t%u\n", report.count, report.max_clients);
   vps_answer_add(answer, "sessions-total\t%" PRIu64 "\n", report.sessions_total);
   for (unsigned i = 0; i < VPS_REJECTS; i++)
      vps_answer_add(answer, "rejects-%s\t%" PRIu64 "\n", vps_reject_name(i), report.rejects[i]);
   vps_report_finish(&report);
}

static void say_session(const struct vps_session_report *session, struct vps_answer *answer)
{
   uint64_t memory = 0, frames = 0;

   for (unsigned i = 0; i < session->gpu_count; i++)
      memory += session->gpus[i].memory;
   for (unsigned i = 0; i < VPS_FRAME_KINDS; i++)
      frames += session->counts.of[VPS_COUNT_FRAMES + i];
   vps_answer_add(answer, "%d\t%s\t%s\t%s\t", session->number, session->user, session->peer, session->program);
   for (unsigned i = 0; i < session->gpu_count; i++)
      vps_answer_add(answer, "%s%s", i ? ", " : "", session->gpus[i].name);
   vps_answer_add(answer, "\t%" PRIu64 "\t%" PRIu64 "\t%" PRIu64 "\t%" PRIu64 "\t%" PRIu64 "\t%s\n", memory, frames,
                  session->counts.of[VPS_COUNT_BYTES_IN], session->counts.of[VPS_COUNT_BYTES_OUT], session->age_s,
                  session->is_kicked ? "ending"
                  : session->is_away ? "away"
                                     : "here");
}

/* number, user, peer, program, GPUs, bytes of memory, frames, bytes from the client, bytes to it, seconds, state. */
static void say_sessions(const struct vps_oversight *oversight, char *rest, struct vps_answer *answer)
{
   struct vps_report report;

   (void)rest;
   if (!get_report(oversight, &report, answer))
      return;
   vps_answer_add(answer, "ok\n");
   for (unsigned i = 0; i < report.count; i++)
      say_session(&report.sessions[i], answer);
   vps_report_finish(&report);
}

static void say_health(const struct vps_oversight *oversight, char *rest, struct vps_answer *answer)
{
   struct vps_report report;

   (void)rest;
   if (!get_report(oversight, &report, answer))
      return;
   if (report.unhealthy)
      command_refuse(answer, report.unhealthy);
   else if (!report.is_accepting)
      command_refuse(answer, "the server takes no new clients: it is draining or ending");
   else
      vps_answer_add(answer, "ok\n");
   vps_report_finish(&report);
}

/* The next word of a line, which is cut off there. */
static char *next_word(char **rest)
{
   char *word = *rest + strspn(*rest, " ");
   char *end = word + strcspn(word, " ");

   *rest = *end ? end + 1 : end;
   *end = '\0';
   return word;
}

static void answer_kick(const struct vps_oversight *oversight, int number, const char *user, char *reason,
                        struct vps_answer *answer)
{
   const size_t length = strlen(reason);

   if (length > REASON_LENGTH)
      command_refuse(answer, "a reason has at most " STRING(REASON_LENGTH) " bytes");
   else
      vps_answer_add(answer, "ok\nended\t%u\n", oversight->kick(oversight->owner, number, user, reason));
}

static void command_kick_session(const struct vps_oversight *oversight, char *rest, struct vps_answer *answer)
{
   const char *word = next_word(&rest);
   char *end;
   const long number = strtol(word, &end, 10);

   if (*word < '1' || *word > '9' || *end || number <= 0 || number > INT32_MAX)
      command_refuse(answer, "kick needs the number of a session");
   else
      answer_kick(oversight, (int)number, NULL, rest, answer);
}

static void kick_user(const struct vps_oversight *oversight, char *rest, struct vps_answer *answer)
{
   const char *user = next_word(&rest);

   if (*user)
      answer_kick(oversight, 0, user, rest, answer);
   else
      command_refuse(answer, "kick-user needs a user, as sessions shows them");
}

static void command_drain(const struct vps_oversight *oversight, char *rest, struct vps_answer *answer)
{
   (void)rest;
   oversight->drain(oversight->listener);
   vps_answer_add(answer, "ok\n");
}

static void read_files_again(const struct vps_oversight *oversight, char *rest, struct vps_answer *answer)
{
   (void)rest;
   if (oversight->reload(oversight->listener))
      vps_answer_add(answer, "ok\n");
   else
      command_refuse(answer, "the server takes no new clients: it is draining or ending");
}

static void say_reloaded(const struct vps_oversight *oversight, char *rest, struct vps_answer *answer)
{
   const enum vps_reload reload = oversight->reloaded(oversight->listener);

   (void)rest;
   if (reload == VPS_RELOAD_FAILED)
      command_refuse(answer, "the server cannot use its files of keys and certificates, and goes on with the old ones; "
                             "its log says why");
   else
      vps_answer_add(answer, "ok\n%s\n", reload == VPS_RELOAD_DONE ? "yes" : "no");
}

static void say_key_file(const struct vps_oversight *oversight, char *rest, struct vps_answer *answer)
{
   struct vps_report report;

   (void)rest;
   if (!get_report(oversight, &report, answer))
      return;
   if (report.keys)
      vps_answer_add(answer, "ok\n%s\n", report.keys);
   else
      command_refuse(answer, "the server has no file of keys: start it with --keys");
   vps_report_finish(&report);
}

static const struct {
   const char *name;
   command_function *run;
} commands[] = {
   {"status", command_status},     {"sessions", say_sessions}, {"health", say_health},
   {"kick", command_kick_session}, {"kick-user", kick_user},   {"drain", command_drain},
   {"reload", read_files_again},   {"keys", say_key_file},     {"reloaded", say_reloaded},
};

bool vps_commands_answer(void *owner, char *request, size_t size, struct vps_answer *answer)
{
   char *end = strchr(request, '\n');

   if (!end && size < VPS_DESK_REQUEST_SIZE)
      return false;
   if (!end) {
      command_refuse(answer, "the request is too long");
      return true;
   }
   *end = '\0';
   const char *name = next_word(&request);
   for (size_t i = 0; i < sizeof(commands) / sizeof(commands[0]); i++) {
      if (strcmp(commands[i].name, name) == 0) {
         commands[i].run(owner, request, answer);
         return true;
      }
   }
   command_refuse(answer, "the server does not know this request; use the venus-ctl of its release");
   return true;
}
