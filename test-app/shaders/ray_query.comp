/* SPDX-License-Identifier: MIT */
/* The scene by ray queries: a ray for each pixel, and one from where it hits towards the light. */
#version 460
#extension GL_EXT_ray_query : require
#extension GL_GOOGLE_include_directive : require
#include "ray_scene.glsl"
layout(local_size_x = 8, local_size_y = 8) in;
layout(set = 0, binding = 0) uniform accelerationStructureEXT scene;
layout(set = 0, binding = 1) writeonly buffer Picture { uint pixels[]; };
layout(set = 0, binding = 2) readonly buffer Tints { uint tints[]; };
void main()
{
   uvec2 pixel = gl_GlobalInvocationID.xy;
   vec3 direction = camera_ray(pixel);
   uint color = sky_color(pixel.y);
   rayQueryEXT query;
   rayQueryInitializeEXT(query, scene, gl_RayFlagsOpaqueEXT, everything, eye, 0.0, direction, far);
   while (rayQueryProceedEXT(query))
      ;
   if (rayQueryGetIntersectionTypeEXT(query, true) == gl_RayQueryCommittedIntersectionTriangleEXT) {
      uint instance = rayQueryGetIntersectionInstanceCustomIndexEXT(query, true);
      vec3 place = eye + direction * rayQueryGetIntersectionTEXT(query, true);
      uint face = rayQueryGetIntersectionPrimitiveIndexEXT(query, true);
      rayQueryEXT shadow;
      color = instance == 0 ? ground_color(place) : solid_color(tints[instance], face);
      rayQueryInitializeEXT(shadow, scene, gl_RayFlagsOpaqueEXT | gl_RayFlagsTerminateOnFirstHitEXT, casts_shadow,
                            place, 0.01, light, far);
      while (rayQueryProceedEXT(shadow))
         ;
      if (rayQueryGetIntersectionTypeEXT(shadow, true) != gl_RayQueryCommittedIntersectionNoneEXT)
         color = shadowed(color);
   }
   pixels[pixel.y * 256 + pixel.x] = color;
}
