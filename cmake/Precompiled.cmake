# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
# Headers that nearly every file reads, compiled once. A set needs whatever its headers need: a target may only use it
# if it links the same libraries. The lint preset does without, since clang-tidy cannot read what g++ wrote.
set(SIDESTEP_STANDARD_HEADERS <algorithm> <array> <chrono> <cstdint> <functional> <map> <memory> <optional> <set> <span>
                              <string> <string_view> <utility> <vector>)

# sidestep_precompiled(<set> LIBS <target>... HEADERS <header>...)
function(sidestep_precompiled set)
  cmake_parse_arguments(P "" "" "LIBS;HEADERS" ${ARGN})
  add_library(precompiled_${set} OBJECT ${CMAKE_SOURCE_DIR}/cmake/nothing.cpp)
  target_link_libraries(precompiled_${set} PRIVATE sidestep_options ${P_LIBS})
  target_precompile_headers(precompiled_${set} PRIVATE ${SIDESTEP_STANDARD_HEADERS} ${P_HEADERS})
endfunction()

sidestep_precompiled(core LIBS fmt::fmt HEADERS <fmt/format.h>)
sidestep_precompiled(app LIBS fmt::fmt spdlog::spdlog nlohmann_json::nlohmann_json
                     HEADERS <fmt/format.h> <spdlog/spdlog.h> <nlohmann/json.hpp>)
sidestep_precompiled(cli LIBS fmt::fmt nlohmann_json::nlohmann_json CLI11::CLI11
                     HEADERS <fmt/format.h> <nlohmann/json.hpp> <CLI/CLI.hpp>)
