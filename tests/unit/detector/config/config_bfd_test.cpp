// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// Tests where bfdd listens, and the exact complaint about each bad value.
#include <gtest/gtest.h>

#include "tests/unit/detector/config/config_text.hpp"

namespace sidestep {
namespace {

TEST(ConfigBfd, IsThePathThatBfddListensAt) {
    Parts parts;
    EXPECT_FALSE(read_good(parts.text()).bfd);
    parts.more = "bfd: {frr: 'unix:/run/frr/bfdd-dplane.sock'}";
    EXPECT_EQ(read_good(parts.text()).bfd, (BfdConfig{.frr = "/run/frr/bfdd-dplane.sock"}));
}

class BadBfd : public testing::TestWithParam<BadCase> {};

TEST_P(BadBfd, IsNamedByLineColumnFieldAndReason) {
    expect_complaints(GetParam());
}

std::vector<BadCase> bad_bfd() {
    return {
        {"NoSocket", [](Parts& p) { p.more = "bfd: {}"; }, {"f:10:6: bfd.frr: missing"}},
        {"UnknownKey",
         [](Parts& p) { p.more = "bfd: {frr: 'unix:/x', mode: auto}"; },
         {"f:10:23: bfd.mode: unknown key; known: frr"}},
        {"BfddConnects",
         [](Parts& p) { p.more = "bfd: {frr: 'unixc:/x'}"; },
         {"f:10:12: bfd.frr: 'unixc:/x' does not begin with unix:: bfdd must listen at a Unix socket (its option "
          "--dplaneaddr unix:PATH)"}},
        {"RelativePath",
         [](Parts& p) { p.more = "bfd: {frr: 'unix:x'}"; },
         {"f:10:12: bfd.frr: needs an absolute path after unix:"}},
        {"NoPath",
         [](Parts& p) { p.more = "bfd: {frr: 'unix:'}"; },
         {"f:10:12: bfd.frr: needs an absolute path after unix:"}},
        {"LongPath",
         [](Parts& p) { p.more = "bfd: {frr: 'unix:/" + std::string(107, 'x') + "'}"; },
         {"f:10:12: bfd.frr: the path has 108 bytes; a Unix socket's has 107 at most"}},
    };
}

INSTANTIATE_TEST_SUITE_P(Bfd, BadBfd, testing::ValuesIn(bad_bfd()), name_of);

}  // namespace
}  // namespace sidestep
