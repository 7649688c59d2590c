//! First figures.
use bench::*;
#[tokio::main]
async fn main() -> anyhow::Result<()> {
    let args: Vec<String> = std::env::args().collect();
    let works = args[1].split(',').map(|w| w.parse().unwrap()).collect();
    let writers = args[2].split(',').map(|w| w.parse().unwrap()).collect();
    let plan = Plan::try_new(works, writers, args[3].parse()?, args[4].parse()?)?;
    let ground = Ground::open(std::env::var("DATABASE_URL").ok().as_deref()).await?;
    let done = append(&ground, &plan).await;
    ground.close().await?;
    let done = done?;
    println!("{}", table::for_terminal(&done));
    Folder::open(args[5].as_ref())?.write(&done)?;
    Ok(())
}
