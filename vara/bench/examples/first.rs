//! First figures.
use bench::*;
#[tokio::main]
async fn main() -> anyhow::Result<()> {
    let args: Vec<String> = std::env::args().collect();
    let works = args[1].split(',').map(|w| w.parse().unwrap()).collect();
    let writers = args[2].split(',').map(|w| w.parse().unwrap()).collect();
    let plan = Plan::try_new(works, writers, args[3].parse()?, args[4].parse()?)?;
    let ground = Ground::open(std::env::var("DATABASE_URL").ok().as_deref()).await?;
    if let Ok(file) = std::env::var("EXPERIMENT") {
        use sqlx::Executor;
        let pool = ground.connect(1).await?;
        let name = ground
            .database_url()
            .path()
            .trim_start_matches('/')
            .to_owned();
        pool.execute(
            std::fs::read_to_string(file)?
                .replace("DBNAME", &name)
                .as_str(),
        )
        .await?;
        pool.close().await;
    }
    let done = append(&ground, &plan).await;
    ground.close().await?;
    let done = done?;
    println!("{}", table::for_terminal(&done));
    Folder::open(args[5].as_ref())?.write(&done)?;
    Ok(())
}
