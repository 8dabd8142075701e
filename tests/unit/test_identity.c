/* SPDX-License-Identifier: MIT */
#include <string.h>

#include "client/core/instance.h"
#include "client/core/physical_device.h"
#include "client/device/identity.h"
#include "client/link/connection.h"
#include "tests/unit/check.h"

struct shown {
   VkPhysicalDeviceProperties2 properties;
   VkPhysicalDeviceDriverProperties driver;
   VkPhysicalDeviceIDProperties ids;
};

static struct vp_connection conn;
static struct vp_instance instance;
static struct vp_physical_device gpu = {.conn = &conn, .instance = &instance};

/* What an application is shown of the same GPU on the same driver. */
static void show(struct shown *shown, const char *info)
{
   *shown = (struct shown){
      .properties = {.sType = VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_PROPERTIES_2, .pNext = &shown->driver},
      .driver = {.sType = VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_DRIVER_PROPERTIES, .pNext = &shown->ids},
      .ids = {.sType = VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_ID_PROPERTIES},
   };
   strcpy(shown->properties.properties.deviceName, "Card");
   strcpy(shown->driver.driverName, "native");
   snprintf(shown->driver.driverInfo, sizeof(shown->driver.driverInfo), "%s", info);
   shown->ids.deviceUUID[0] = 1;
   shown->ids.driverUUID[0] = 2;
   shown->properties.properties.pipelineCacheUUID[0] = 3;
   vp_identity_apply(&gpu, &shown->properties);
}

static bool same_device(const struct shown *a, const struct shown *b)
{
   return memcmp(a->ids.deviceUUID, b->ids.deviceUUID, VK_UUID_SIZE) == 0;
}

static bool same_driver(const struct shown *a, const struct shown *b)
{
   const VkPhysicalDeviceProperties *of_a = &a->properties.properties, *of_b = &b->properties.properties;
   const bool driver = memcmp(a->ids.driverUUID, b->ids.driverUUID, VK_UUID_SIZE) == 0;

   CHECK((memcmp(of_a->pipelineCacheUUID, of_b->pipelineCacheUUID, VK_UUID_SIZE) == 0) == driver);
   return driver;
}

int main(void)
{
   static struct shown first, second;
   char longest[VK_MAX_DRIVER_INFO_SIZE];

   strcpy(conn.server.name, "left, venus-server 1.0");
   strcpy(conn.server.host, "left");
   conn.server.machine[3] = 7;
   show(&first, "1.2");
   show(&second, "1.2");
   CHECK(same_device(&first, &second) && same_driver(&first, &second));
   CHECK(strcmp(first.driver.driverName, "venus-plus") == 0);
   CHECK(strcmp(first.driver.driverInfo, "native, 1.2, on left") == 0);
   CHECK(strcmp(first.properties.properties.deviceName, "Venus Plus (Card)") == 0);

   /* Another release on the same machine. */
   strcpy(conn.server.name, "left, venus-server 1.1");
   show(&second, "1.2");
   CHECK(same_device(&first, &second) && !same_driver(&first, &second));

   /* Another machine that is called the same, with the same card. */
   strcpy(conn.server.name, "left, venus-server 1.0");
   conn.server.machine[3] = 8;
   show(&second, "1.2");
   CHECK(!same_device(&first, &second) && !same_driver(&first, &second));

   /* Of several servers. */
   instance.config.server_count = 2;
   show(&second, "");
   CHECK(strcmp(second.properties.properties.deviceName, "Venus Plus (Card) on left") == 0);
   CHECK(strcmp(second.driver.driverInfo, "native, on left") == 0);
   memset(longest, 'x', sizeof(longest) - 1);
   longest[sizeof(longest) - 1] = '\0';
   show(&second, longest);
   CHECK(strlen(second.driver.driverInfo) == VK_MAX_DRIVER_INFO_SIZE - 1);
   CHECK(strcmp(second.driver.driverInfo + VK_MAX_DRIVER_INFO_SIZE - 10, ", on left") == 0);

   /* A server that does not say where it is. */
   memset(conn.server.machine, 0, sizeof(conn.server.machine));
   conn.server.host[0] = '\0';
   show(&first, "1.2");
   CHECK(strcmp(first.driver.driverInfo, "native, 1.2") == 0);
   strcpy(conn.server.name, "right, venus-server 1.0");
   show(&second, "1.2");
   CHECK(!same_device(&first, &second));
   return check_finish();
}
