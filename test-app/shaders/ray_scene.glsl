/* SPDX-License-Identifier: MIT */
/* What both ways of tracing the scene share; phase_11_ray_scene.c does the same on the host. */
const vec3 eye = vec3(0.0, 2.5, -7.0);
const vec3 light = vec3(0.5, 0.75, -0.4);
const float far = 100.0;
const uint everything = 0xff;
const uint casts_shadow = 1;

vec3 camera_ray(uvec2 pixel)
{
   return vec3(((float(pixel.x) + 0.5) / 128.0 - 1.0) * 0.8, (1.0 - (float(pixel.y) + 0.5) / 96.0) * 0.6 - 0.28, 1.0);
}

uint pack(uvec3 color)
{
   return color.r | color.g << 8 | color.b << 16 | 0xff000000;
}

uint sky_color(uint row)
{
   return pack(uvec3(60, 90, 160) + row / 3);
}

uint ground_color(vec3 place)
{
   return ((int(floor(place.x)) + int(floor(place.z))) & 1) == 0 ? pack(uvec3(200, 190, 170)) : pack(uvec3(120, 110, 90));
}

uint solid_color(uint tint, uint face)
{
   uvec3 parts = uvec3(tint, tint >> 8, tint >> 16) & 255;
   return pack(parts * (96 + face * 22) / 255);
}

uint shadowed(uint color)
{
   return (color >> 1 & 0x7f7f7f) | 0xff000000;
}
