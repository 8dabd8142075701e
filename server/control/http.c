/* SPDX-License-Identifier: MIT */

/* As much of HTTP as a program needs that looks whether the server is well: three paths, one method, no options. */

#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "server/control/metrics.h"

static void respond(struct vps_answer *answer, const char *status, const char *type, const char *body, size_t size)
{
   vps_answer_add(answer,
                  "HTTP/1.0 %s\r\nContent-Type: %s\r\nContent-Length: %zu\r\nAllow: GET\r\nCache-Control: no-store\r\n"
                  "X-Content-Type-Options: nosniff\r\nConnection: close\r\n\r\n%.*s",
                  status, type, size, (int)size, body);
}

static void respond_line(struct vps_answer *answer, const char *status, const char *line)
{
   char body[256];
   const int length = snprintf(body, sizeof(body), "%s\n", line);

   respond(answer, status, "text/plain; charset=utf-8", body, (size_t)length);
}

static void respond_metrics(const struct vps_report *report, struct vps_answer *answer)
{
   struct vps_answer text = {0};

   vps_metrics_write(report, &text);
   if (text.failed)
      respond_line(answer, "503 Service Unavailable", "out of memory");
   else
      respond(answer, "200 OK", "text/plain; version=0.0.4; charset=utf-8", text.data, text.size);
   vps_answer_finish(&text);
}

static void respond_health(const struct vps_report *report, bool for_clients, struct vps_answer *answer)
{
   if (report->unhealthy)
      respond_line(answer, "503 Service Unavailable", report->unhealthy);
   else if (for_clients && !report->is_accepting)
      respond_line(answer, "503 Service Unavailable", "takes no new clients");
   else if (for_clients && report->places >= report->max_clients)
      respond_line(answer, "503 Service Unavailable", "has no place for another client");
   else
      respond_line(answer, "200 OK", "ok");
}

static void respond_to_path(const struct vps_oversight *oversight, const char *path, struct vps_answer *answer)
{
   static const char *const paths[] = {"/metrics", "/healthz", "/readyz"};
   struct vps_report report;
   unsigned which = 0;

   while (which < 3 && strcmp(path, paths[which]) != 0)
      which++;
   if (which == 3) {
      respond_line(answer, "404 Not Found", "there are /metrics, /healthz and /readyz");
      return;
   }
   if (!oversight->report(oversight->owner, &report)) {
      respond_line(answer, "503 Service Unavailable", "out of memory");
      return;
   }
   if (which == 0)
      respond_metrics(&report, answer);
   else
      respond_health(&report, which == 2, answer);
   vps_report_finish(&report);
}

/* Whether a browser may have been made to ask by a page from elsewhere: the name that it asks for is not one of this
 * machine's. Programs that name none are none. */
static bool names_another_machine(const char *headers)
{
   static const char *const own[] = {"localhost", "127.", "[::1]"};
   const char *line = headers;

   while (line && strncasecmp(line, "host:", 5) != 0) {
      line = strchr(line, '\n');
      if (line)
         line++;
   }
   if (!line)
      return false;
   line += 5;
   line += strspn(line, " \t");
   const char *end = line + strcspn(line, "\r\n");
   for (size_t i = 0; i < sizeof(own) / sizeof(own[0]); i++) {
      if (strncasecmp(line, own[i], strlen(own[i])) != 0)
         continue;
      const char *rest = line + strlen(own[i]);
      rest += strspn(rest, ":.0123456789");
      if (rest == end)
         return false;
   }
   return true;
}

bool vps_metrics_answer(void *owner, char *request, size_t size, struct vps_answer *answer)
{
   if (!strstr(request, "\r\n\r\n") && !strstr(request, "\n\n")) {
      if (size < VPS_DESK_REQUEST_SIZE)
         return false;
      respond_line(answer, "431 Request Header Fields Too Large", "the request is too long");
      return true;
   }
   char *headers = strchr(request, '\n') + 1;
   headers[-1] = '\0';
   request[strcspn(request, "\r")] = '\0';
   const char *method = request;
   char *path = request + strcspn(request, " ");
   char *version = *path ? strchr(path + 1, ' ') : NULL;
   if (!version || strncmp(version, " HTTP/1.", 8) != 0 || path[1] != '/') {
      respond_line(answer, "400 Bad Request", "this is no request for a path");
      return true;
   }
   *path++ = '\0';
   *version = '\0';
   if (strcmp(method, "GET") != 0)
      respond_line(answer, "405 Method Not Allowed", "there is GET");
   else if (names_another_machine(headers))
      respond_line(answer, "403 Forbidden", "the Host header names another machine");
   else
      respond_to_path(owner, path, answer);
   return true;
}
