// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// Damaged packets to those who measure: BFD of this node's sessions, with neighbors, beyond the link and of reflectors; and the
// reflectors of STAMP and S-BFD. Each is taken, answered, refused with a reason or left alone, and changes nothing else.
#include "tests/fuzz/fuzzed.hpp"

namespace sidestep {
namespace {

class MeasuringFuzz : public IngressFuzz {};

TEST_F(MeasuringFuzz, BfdAndReflectors) {
    const Extent extent;
    Dice dice(extent.seed);
    std::uint64_t answered = 0;
    for (int i = 0; i < extent.count; ++i) {
        const auto bytes = measuring_packet(dice);
        check_ingress(bytes, dice.chance(10) ? VethPair::kNear : kLoopback);
        ASSERT_FALSE(HasFatalFailure()) << "packet " << i << " of SIDESTEP_SEED=" << extent.seed << ": "
                                        << text_of(bytes);
    }
    for (const auto speaker : kSpeakers) {
        EXPECT_GT(programs_.sessions[speaker].rx.answered, static_cast<std::uint64_t>(extent.count) / 500) << speaker;
        EXPECT_GT(programs_.sessions[speaker].rx.bfd.refused, static_cast<std::uint64_t>(extent.count) / 500);
        answered += programs_.sessions[speaker].rx.answered;
    }
    EXPECT_EQ(codes_[TC_ACT_STOLEN], answered);
    EXPECT_GT(programs_.outcomes(SS_OUTCOME_STAMP_ANSWERED), static_cast<std::uint64_t>(extent.count) / 50);
    for (std::uint32_t reason = SS_REJECT_BFD_HOP_LIMIT; reason < SS_REJECT_COUNT; ++reason)
        EXPECT_GT(programs_.counter(reason), 0U) << "never refused: " << reason;
}

}  // namespace
}  // namespace sidestep
