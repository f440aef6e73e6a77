// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// Tests which words name a place to listen at: all else is a mistake on the command line, not a busy port.
#include "exporter/web_server.hpp"

#include <gtest/gtest.h>

namespace sidestep::exporter {
namespace {

TEST(PlaceToListen, HasAPort) {
    for (const auto* good : {"127.0.0.1:9862", "[::1]:9862", "9862", "host:1", "127.0.0.1:1,[::1]:65535"})
        EXPECT_TRUE(is_place_to_listen(good)) << good;
    for (const auto* bad : {"", "foo", ":9862", "127.0.0.1", "127.0.0.1:", "127.0.0.1:99999", "127.0.0.1:0", "::1:http",
                            "127.0.0.1:1,", "127.0.0.1:-1", "127.0.0.1:1x"})
        EXPECT_FALSE(is_place_to_listen(bad)) << bad;
}

}  // namespace
}  // namespace sidestep::exporter
