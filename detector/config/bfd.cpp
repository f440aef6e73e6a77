// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// Reads where FRR's bfdd listens for its data plane. The value is written as bfdd's own option has it.
#include <sys/un.h>

#include <string_view>

#include <fmt/format.h>

#include "detector/config/reader.hpp"

namespace sidestep::config_reader {
namespace {

constexpr std::string_view kListens = "unix:";
constexpr std::size_t kLongestPath = sizeof(sockaddr_un::sun_path) - 1;  // it ends in a zero

std::string read_socket(const YamlPlace& place) {
    const auto text = place.text();
    if (!text) return {};
    if (!text->starts_with(kListens)) {
        place.complain(
            fmt::format("'{}' does not begin with {}: bfdd must listen at a Unix socket (its option "
                        "--dplaneaddr unix:PATH)",
                        *text, kListens));
        return {};
    }
    auto path = text->substr(kListens.size());
    if (!path.starts_with('/')) {
        place.complain("needs an absolute path after unix:");
    } else if (path.size() > kLongestPath) {
        place.complain(fmt::format("the path has {} bytes; a Unix socket's has {} at most", path.size(), kLongestPath));
    }
    return path;
}

}  // namespace

void read_bfd(Reading& reading, const YamlPlace& place) {
    if (!place.expect_map({"frr"})) return;
    BfdConfig bfd;
    if (const auto frr = place.required("frr")) bfd.frr = read_socket(*frr);
    reading.config.bfd = std::move(bfd);
}

}  // namespace sidestep::config_reader
