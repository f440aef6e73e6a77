# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
# A folder is a target: all its .cpp files but those that have a main().
set(SIDESTEP_UNITY_BATCH 8)

# sidestep_unity(<target>): several files are compiled at a time, for most of the time goes into what they include.
function(sidestep_unity target)
  set_target_properties(${target} PROPERTIES UNITY_BUILD ON UNITY_BUILD_BATCH_SIZE ${SIDESTEP_UNITY_BATCH})
  # g++ takes what comes from a .cpp in a unity source for a header's.
  target_compile_options(${target} PRIVATE $<$<CXX_COMPILER_ID:GNU>:-Wno-subobject-linkage>)
endfunction()

# sidestep_library(<name> [LIBS <target>...] [PRIVATE_LIBS <target>...] [WITHOUT <file>...] [PRECOMPILED <set>])
# The library of the present folder. What it may use is what it links: link_<name>, an empty program with all of the
# library in it, does not link if the folder calls into another one that is not named here.
function(sidestep_library name)
  cmake_parse_arguments(L "" "PRECOMPILED" "LIBS;PRIVATE_LIBS;WITHOUT" ${ARGN})
  file(GLOB sources CONFIGURE_DEPENDS ${CMAKE_CURRENT_SOURCE_DIR}/*.cpp)
  list(TRANSFORM L_WITHOUT PREPEND ${CMAKE_CURRENT_SOURCE_DIR}/)
  if(L_WITHOUT)
    list(REMOVE_ITEM sources ${L_WITHOUT})
  endif()
  add_library(${name} STATIC ${sources})
  target_link_libraries(${name} PUBLIC sidestep_options ${L_LIBS} PRIVATE ${L_PRIVATE_LIBS})
  if(NOT L_PRECOMPILED)
    set(L_PRECOMPILED core)
  endif()
  target_precompile_headers(${name} REUSE_FROM precompiled_${L_PRECOMPILED})
  sidestep_unity(${name})
  add_executable(link_${name} ${CMAKE_SOURCE_DIR}/cmake/empty_main.cpp)
  target_link_libraries(link_${name} PRIVATE $<LINK_LIBRARY:WHOLE_ARCHIVE,${name}>)
  set_target_properties(link_${name} PROPERTIES RUNTIME_OUTPUT_DIRECTORY ${CMAKE_BINARY_DIR}/link)
endfunction()
