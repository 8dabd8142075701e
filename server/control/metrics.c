/* SPDX-License-Identifier: MIT */

/* Writes a report for Prometheus. */

#include "server/control/metrics.h"

#include <inttypes.h>
#include <string.h>

#define PREFIX "venus_plus_"

/* What the text format wants in front of a metric. */
static void begin_metric(struct vps_answer *answer, const char *name, const char *type, const char *help)
{
   vps_answer_add(answer, "# HELP " PREFIX "%s %s\n# TYPE " PREFIX "%s %s\n", name, help, name, type);
}

static void write_metric(struct vps_answer *answer, const char *name, const char *type, const char *help,
                         uint64_t value)
{
   begin_metric(answer, name, type, help);
   vps_answer_add(answer, PREFIX "%s %" PRIu64 "\n", name, value);
}

/* The value of a label: printable ASCII, in which two characters have to be escaped. */
static const char *write_label(char out[2 * sizeof(((struct vps_gpu_report *)0)->name)], const char *text)
{
   char *p = out;

   for (; *text; text++) {
      if (*text == '"' || *text == '\\')
         *p++ = '\\';
      *p++ = *text;
   }
   *p = '\0';
   return out;
}

static void metrics_write_memory(const struct vps_report *report, struct vps_answer *answer)
{
   char label[2 * sizeof(report->sessions->gpus->name)];

   begin_metric(answer, "vram_bytes", "gauge", "Device memory that a session has, by the name of the GPU.");
   for (unsigned i = 0; i < report->count; i++) {
      const struct vps_session_report *session = &report->sessions[i];
      for (unsigned k = 0; k < session->gpu_count; k++)
         vps_answer_add(answer, PREFIX "vram_bytes{gpu=\"%s\",session=\"%d\"} %" PRIu64 "\n",
                        write_label(label, session->gpus[k].name), session->number, session->gpus[k].memory);
   }
   if (report->memory_quota != UINT64_MAX)
      write_metric(answer, "vram_quota_bytes", "gauge", "Device memory that a session may have.", report->memory_quota);
}

static void write_traffic(const struct vps_report *report, struct vps_answer *answer)
{
   const uint64_t *counts = report->counts.of;

   begin_metric(answer, "wire_bytes_total", "counter", "Bytes of frames, without what TLS and TCP add.");
   vps_answer_add(answer, PREFIX "wire_bytes_total{dir=\"in\"} %" PRIu64 "\n", counts[VPS_COUNT_BYTES_IN]);
   vps_answer_add(answer, PREFIX "wire_bytes_total{dir=\"out\"} %" PRIu64 "\n", counts[VPS_COUNT_BYTES_OUT]);
   begin_metric(answer, "commands_total", "counter",
                "Commands that were recorded, others without an answer, and those with one.");
   vps_answer_add(answer, PREFIX "commands_total{class=\"record\"} %" PRIu64 "\n", counts[VPS_COUNT_RECORDED]);
   vps_answer_add(answer, PREFIX "commands_total{class=\"async\"} %" PRIu64 "\n", counts[VPS_COUNT_ASYNC]);
   vps_answer_add(answer, PREFIX "commands_total{class=\"sync\"} %" PRIu64 "\n", counts[VPS_COUNT_SYNC]);
   write_metric(answer, "roundtrips_total", "counter",
                "Answers that clients asked for; those that are asked for together count each.",
                counts[VPS_COUNT_SYNC]);
}

static void write_batches(const struct vps_report *report, struct vps_answer *answer)
{
   static const double limits[VPS_BATCH_BUCKETS - 1] = VPS_BATCH_SECONDS;
   uint64_t count = 0;

   begin_metric(answer, "submit_seconds", "histogram",
                "How long batches were executed, from the end of the one before.");
   for (unsigned i = 0; i < VPS_BATCH_BUCKETS - 1; i++) {
      count += report->counts.of[VPS_COUNT_BATCHES + i];
      vps_answer_add(answer, PREFIX "submit_seconds_bucket{le=\"%g\"} %" PRIu64 "\n", limits[i], count);
   }
   count += report->counts.of[VPS_COUNT_BATCHES + VPS_BATCH_BUCKETS - 1];
   vps_answer_add(answer, PREFIX "submit_seconds_bucket{le=\"+Inf\"} %" PRIu64 "\n", count);
   vps_answer_add(answer, PREFIX "submit_seconds_sum %.9f\n" PREFIX "submit_seconds_count %" PRIu64 "\n",
                  (double)report->counts.of[VPS_COUNT_BATCH_NS] / 1e9, count);
}

static void write_frames(const struct vps_report *report, struct vps_answer *answer)
{
   begin_metric(answer, "present_frames_total", "counter", "Pictures that were sent, by the codec of their last part.");
   for (unsigned i = 0; i < VPS_FRAME_KINDS; i++)
      vps_answer_add(answer, PREFIX "present_frames_total{codec=\"%s\"} %" PRIu64 "\n", vps_frame_kind_name(i),
                     report->counts.of[VPS_COUNT_FRAMES + i]);
   write_metric(answer, "present_bytes_total", "counter", "Bytes of pictures that were sent.",
                report->counts.of[VPS_COUNT_FRAME_BYTES]);
}

void vps_metrics_write(const struct vps_report *report, struct vps_answer *answer)
{
   begin_metric(answer, "build_info", "gauge", "The version of the server.");
   vps_answer_add(answer, PREFIX "build_info{version=\"%s\"} 1\n", VP_VERSION);
   write_metric(answer, "sessions", "gauge", "Sessions that there are.", report->count);
   write_metric(answer, "sessions_total", "counter", "Sessions that have begun.", report->sessions_total);
   begin_metric(answer, "rejects_total", "counter", "Connections that did not become sessions.");
   for (unsigned i = 0; i < VPS_REJECTS; i++)
      vps_answer_add(answer, PREFIX "rejects_total{reason=\"%s\"} %" PRIu64 "\n", vps_reject_name(i),
                     report->rejects[i]);
   metrics_write_memory(report, answer);
   write_traffic(report, answer);
   write_batches(report, answer);
   write_frames(report, answer);
   write_metric(answer, "device_lost_total", "counter", "Devices that were lost.", report->counts.of[VPS_COUNT_LOST]);
}
