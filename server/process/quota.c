/* SPDX-License-Identifier: MIT */

/* The names of quotas, their defaults, and how they are read. */

#include "server/process/quota.h"

#include <stddef.h>
#include <string.h>

static const struct {
   const char *name;
   uint64_t least; /* with less nothing works */
} quotas[VPS_QUOTAS] = {
   [VPS_QUOTA_DEVICE_MEMORY] = {"device-memory", 0},
   [VPS_QUOTA_ALLOCATIONS] = {"allocations", 1},
   [VPS_QUOTA_HOST_MEMORY] = {"host-memory", UINT64_C(64) << 20},
   [VPS_QUOTA_OBJECTS] = {"objects", 64},
   [VPS_QUOTA_THREADS] = {"threads", 1},
   [VPS_QUOTA_SWAPCHAINS] = {"swapchains", 0},
   [VPS_QUOTA_PICTURES] = {"pictures", 0},
   [VPS_QUOTA_BANDWIDTH] = {"bandwidth", UINT64_C(1) << 16},
};

const struct vps_quota_limits vps_client_quota = {{
   [VPS_QUOTA_DEVICE_MEMORY] = VPS_QUOTA_NONE,
   [VPS_QUOTA_ALLOCATIONS] = VPS_QUOTA_NONE,
   [VPS_QUOTA_HOST_MEMORY] = UINT64_C(8) << 30,
   [VPS_QUOTA_OBJECTS] = UINT64_C(2) << 20,
   [VPS_QUOTA_THREADS] = 256,
   [VPS_QUOTA_SWAPCHAINS] = 64,
   [VPS_QUOTA_PICTURES] = 1024,
   [VPS_QUOTA_BANDWIDTH] = VPS_QUOTA_NONE,
}};

const struct vps_quota_limits vps_user_quota = VPS_QUOTA_UNLIMITED;

/* VPS_QUOTAS: none is called so. */
static unsigned find_quota(const char *name, size_t length)
{
   unsigned i = 0;

   while (i < VPS_QUOTAS && !(strlen(quotas[i].name) == length && strncmp(quotas[i].name, name, length) == 0))
      i++;
   return i;
}

/* Up to the end of the text or a comma, at which *text is then. */
static bool parse_amount(const char **text, uint64_t *amount)
{
   static const char units[] = "KMGT";
   const char *p = *text;
   uint64_t value = 0;

   if (strncmp(p, "none", 4) == 0) {
      *amount = VPS_QUOTA_NONE;
      *text = p + 4;
      return true;
   }
   if (*p < '0' || *p > '9')
      return false;
   for (; *p >= '0' && *p <= '9'; p++) {
      if (value > UINT64_MAX / 16)
         return false;
      value = value * 10 + (uint64_t)(*p - '0');
   }
   const char *unit = *p ? strchr(units, *p) : NULL;
   const unsigned shift = unit ? 10 * (unsigned)(unit - units + 1) : 0;
   if (value > (VPS_QUOTA_NONE - 1) >> shift)
      return false;
   *amount = value << shift;
   *text = unit ? p + 1 : p;
   return true;
}

bool vps_quota_parse(struct vps_quota_limits *limits, const char *text)
{
   for (;; text++) {
      const char *equals = strchr(text, '=');
      const unsigned i = equals ? find_quota(text, (size_t)(equals - text)) : VPS_QUOTAS;
      if (i == VPS_QUOTAS)
         return false;
      text = equals + 1;
      if (!parse_amount(&text, &limits->of[i]) || limits->of[i] < quotas[i].least || (*text && *text != ','))
         return false;
      if (!*text)
         return true;
   }
}

bool vps_quota_is_set(const struct vps_quota_limits *limits)
{
   for (unsigned i = 0; i < VPS_QUOTAS; i++) {
      if (limits->of[i] != VPS_QUOTA_NONE)
         return true;
   }
   return false;
}

const char *vps_quota_name(enum vps_quota quota)
{
   return quotas[quota].name;
}
