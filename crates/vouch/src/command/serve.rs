//! `vouch serve`: the watch, and everything that answers from it, until a signal.

use super::{probe, wire};
use crate::cli::Verb;
use crate::cli::probe::{ListenArgs, ServeArgs};
use crate::complaint::{Complaint, cause, printable};
use crate::config::{self, Origins, watch};
use crate::environment::Environment;
use crate::exit::Exit;
use crate::notify::Notify;
use crate::terminal::say;
use signal_hook::consts::{SIGHUP, SIGINT, SIGTERM};
use signal_hook::iterator::Signals;
use std::ffi::OsString;
use std::net::TcpListener;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::Duration;
use vouch_probe::agent::Agent;
use vouch_probe::heartbeat::Beater;
use vouch_probe::http::Http;
use vouch_probe::policy::Shape;
use vouch_probe::socket::Socket;
use vouch_probe::watch::{Plan, Watch};
use vouch_server::TableName;

/// A judge that has been silent for longer has stopped: the watchdog is told no more.
const STUCK: Duration = Duration::from_secs(5);

/// Answers until SIGTERM or SIGINT. `arguments` are read again on SIGHUP.
pub fn run(verb: Verb, arguments: &[OsString], origins: &Origins, variables: &Environment) -> Result<Exit, Complaint> {
    let Verb::Serve(args) = verb else { return Ok(Exit::Usage) };
    let notify = Notify::of(variables);
    let mut signals = Signals::new([SIGHUP, SIGINT, SIGTERM])
        .map_err(|error| Complaint::incomplete(format!("signals could not be handled: {error}")))?;
    let watched = watch::plan(&args.watch, origins, variables)?;
    watched.warnings.iter().for_each(|warning| say(&format!("warning: {}", printable(warning))));
    let beating = beaters(&args, &watched.plan)?;
    let doors = Doors::bind(&args.listen, variables)?;
    let (deadline, watch) = (watched.plan.deadline, Arc::new(Watch::start(watched.plan)));
    watch.first(deadline + Duration::from_millis(200));
    let open = doors.open(&watch)?;
    let stop = Arc::new(AtomicBool::new(false));
    if let Some(beating) = beating {
        beat(beating, args.listen.heartbeat_interval, &watch, &stop);
    }
    keep_alive(&watch, variables, &stop);
    say(&format!("vouch: listening on {}", open.address));
    notify.send("READY=1");
    for signal in signals.forever() {
        if signal != SIGHUP {
            break;
        }
        notify.send("RELOADING=1");
        reload(&watch, arguments, variables);
        notify.send("READY=1");
    }
    notify.send("STOPPING=1");
    stop.store(true, Ordering::Relaxed);
    drop(open);
    Ok(Exit::Clean)
}

/// A configuration that is wrong changes nothing but is said.
fn reload(watch: &Watch, arguments: &[OsString], variables: &Environment) {
    let again = || {
        let flags = crate::cli::command()
            .try_get_matches_from(arguments)
            .map_err(|error| crate::refusal::complaint(&error, &Origins::default()))?;
        let configured = config::read(arguments, &flags, &["serve"], variables)?;
        let Verb::Serve(args) = super::verb(&configured.matches)? else {
            return Err(Complaint::usage("the arguments are no longer those of `vouch serve`"));
        };
        watch::plan(&args.watch, &configured.origins, variables)
    };
    match again() {
        Ok(watched) => {
            watch.reload(watched.plan);
            say("vouch: the configuration was read again");
        }
        Err(complaint) => say(&complaint.to_string()),
    }
}

/// Ports that are bound before anything is watched, so that a port in use is known at once.
struct Doors<'a> {
    http: TcpListener,
    agents: Vec<(TcpListener, &'a str)>,
    socket: std::path::PathBuf,
    /// Whether the user named the socket, so that it must work.
    socket_wanted: bool,
}

/// What answers, as long as it lives.
struct Open {
    address: String,
    _http: Http,
    _agents: Vec<Agent>,
    _socket: Option<Socket>,
}

impl<'a> Doors<'a> {
    fn bind(args: &'a ListenArgs, variables: &Environment) -> Result<Doors<'a>, Complaint> {
        let bind = |address: std::net::SocketAddr, option: &str| {
            TcpListener::bind(address).map_err(|error| {
                Complaint::usage(format!("{address} could not be listened on: {}", cause(&error)))
                    .hint(format!("name another address with {option}"))
            })
        };
        let http = bind(args.listen, "--listen")?;
        let agents =
            args.agent_listen.iter().map(|agent| Ok((bind(agent.address, "--agent-listen")?, agent.question.as_str())));
        let agents = agents.collect::<Result<Vec<_>, Complaint>>()?;
        let socket = probe::socket_path(args.socket.as_ref(), variables);
        Ok(Doors { http, agents, socket, socket_wanted: args.socket.is_some() })
    }

    fn open(self, watch: &Arc<Watch>) -> Result<Open, Complaint> {
        let failed =
            |error: std::io::Error| Complaint::incomplete(format!("no answers can be given: {}", cause(&error)));
        let mut address = self.http.local_addr().map_err(failed)?.to_string();
        let agents = self.agents.iter().map(|(listener, question)| Agent::start(listener, watch, question));
        let agents = agents.collect::<std::io::Result<Vec<_>>>().map_err(failed)?;
        for agent in &agents {
            address.push_str(&format!(", agent-checks on {}", agent.address()));
        }
        let socket = match Socket::start(&self.socket, watch, wire::document) {
            Ok(socket) => Some(socket),
            Err(error) if self.socket_wanted => {
                let text = format!("the socket {} could not be made: {}", self.socket.display(), cause(&error));
                return Err(Complaint::usage(text).hint("name another path with --socket"));
            }
            // Without it `vouch probe` looks itself.
            Err(_) => None,
        };
        let http = Http::start(self.http, Arc::clone(watch), Arc::new(wire::Json)).map_err(failed)?;
        Ok(Open { address, _http: http, _agents: agents, _socket: socket })
    }
}

/// The table, and a writer for each node by its name.
type Beating = Vec<(String, Beater)>;

fn beaters(args: &ServeArgs, plan: &Plan) -> Result<Option<Beating>, Complaint> {
    if !args.listen.heartbeat_update {
        return Ok(None);
    }
    let Some(table): Option<TableName> = args.watch.nodes.heartbeat_table.clone() else {
        return Err(Complaint::usage("no table of heartbeats is given").hint("name it with --heartbeat-table DB.TABLE"));
    };
    if plan.policy.shape != Shape::Pool {
        return Err(Complaint::usage("heartbeats are for pools: a pair tells lag by transactions")
            .hint("leave out --heartbeat-update"));
    }
    let beater = |node: &vouch_probe::collect::NodeSpec| {
        (node.name.clone(), Beater::new(node.target.clone(), table.clone(), plan.deadline))
    };
    Ok(Some(plan.nodes.iter().map(beater).collect()))
}

/// Writes to whoever has the writes. The first failure of a row is said, those after it are not.
fn beat(mut beating: Beating, every: Duration, watch: &Arc<Watch>, stop: &Arc<AtomicBool>) {
    let (watch, stop) = (Arc::clone(watch), Arc::clone(stop));
    thread::spawn(move || {
        let mut failing = false;
        while !stop.load(Ordering::Relaxed) {
            let board = watch.board();
            let writers = beating
                .iter_mut()
                .filter(|(name, _)| board.node(name).is_some_and(|node| node.reachable && node.write.state.serves()));
            let errors: Vec<String> =
                writers.filter_map(|(_, beater)| beater.beat(false).err()).map(|error| error.to_string()).collect();
            if let (false, Some(error)) = (failing, errors.first()) {
                say(&format!("vouch: no heartbeat could be written: {}", printable(error)));
            }
            failing = !errors.is_empty();
            thread::sleep(every);
        }
    });
}

/// Tells the watchdog that the judge still judges; that the process runs means nothing.
fn keep_alive(watch: &Arc<Watch>, variables: &Environment, stop: &Arc<AtomicBool>) {
    let notify = Notify::of(variables);
    let Some(every) = notify.watchdog else { return };
    let (watch, stop) = (Arc::clone(watch), Arc::clone(stop));
    thread::spawn(move || {
        while !stop.load(Ordering::Relaxed) {
            if watch.idle() < STUCK {
                notify.send("WATCHDOG=1");
            }
            thread::sleep(every);
        }
    });
}
