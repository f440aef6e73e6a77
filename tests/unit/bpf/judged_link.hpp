// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// A session that is judged without a kernel: the tests play the tick and the link.
#pragma once

#include <cstdint>

#include <gtest/gtest.h>

#include "bpf/lib/answer.h"
#include "bpf/lib/judge.h"

namespace sidestep {

inline constexpr std::uint64_t kMs = 1'000'000;
inline constexpr std::uint64_t kUs = 1'000;

// A session, with the parts of the tick and the probe receiver.
struct JudgedLink {
    explicit JudgedLink(std::uint16_t multiplier, std::uint64_t start = 0) {
        session.conf.multiplier = multiplier;
        session.conf.up_count = 3;
        session.conf.interval_ns = kMs;
        session.conf.allowance_ns = 200 * kUs;
        session.tx.sequence = start;
        session.tx.proof_from = start + 1;
        session.rx.newest = start;
    }

    void send(std::uint64_t at) {
        const auto sequence = ++session.tx.sequence;
        session.tx.sent_at_ns[sequence % SS_SENT_RING] = at;
    }

    void answer(std::uint64_t sequence, std::uint64_t at, std::uint64_t sent) {
        ASSERT_EQ(ss_record_answer(&session, static_cast<std::uint32_t>(sequence), at, sent), 0U) << sequence;
    }

    // Sends and answers probes, one per interval; they take 100 us.
    void exchange(unsigned count) {
        for (; count > 0; --count, now += kMs) {
            send(now);
            judge(now);
            answer(session.tx.sequence, now + 100 * kUs, now);
        }
        judge(now);
    }

    // Judges as the tick does; returns when the session must be looked at again.
    std::uint64_t judge(std::uint64_t at) {
        const auto result = ss_judge(&session, at);
        if (result.verdict != session.tx.verdict) {
            session.tx.verdict = result.verdict;
            session.tx.verdict_ns = at;
            if (result.verdict == SS_DEAD) session.tx.proof_from = session.tx.sequence + 1;
        }
        return result.revisit_ns;
    }

    void ask_proof(std::uint64_t at) {
        session.tx.verdict = SS_UNPROVEN;
        session.tx.verdict_ns = at;
        session.tx.proof_from = session.tx.sequence + 1;
    }

    [[nodiscard]] unsigned verdict() const { return session.tx.verdict; }

    ss_session session{};
    std::uint64_t now = 1000 * kMs;
};

}  // namespace sidestep
